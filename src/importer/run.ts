import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '@shared/errors';
import { keep, readResult } from './cache';
import { NewsSchema } from './job';
import type { ImportJob, ImportProgress, ImportResult, News, Order } from './job';
import { codeOf } from './walk';

export interface ImportBudget {
  /** Resident bytes of the process. */
  rss_bytes: number;
  /** Without anything being done. */
  stall_ms: number;
}

const BUDGET: ImportBudget = { rss_bytes: 1e9, stall_ms: 60_000 };
const CHECK_EVERY_MS = 100;

export interface RunImporterOptions {
  /** The built process: out/main/importer.cjs. */
  entry: string;
  signal?: AbortSignal;
  /** At most ten times a second. */
  onProgress?: (progress: ImportProgress) => void;
  budget?: Partial<ImportBudget>;
}

/**
 * Imports a user's files in a process of its own, killed when it exceeds its budget or the caller
 * gives up; nothing is left behind then. A result is kept under `job.cache` and found again while
 * the files are as they were.
 * @throws AppError bad_data, disk, cancelled
 */
export async function runImporter(
  job: ImportJob,
  options: RunImporterOptions,
): Promise<ImportResult> {
  const work = await workFolder(job.cache);
  try {
    let end = await superviseProcess({ job, work }, options);
    while (end.type === 'more') end = await superviseProcess({ job, work }, options);
    if (end.type === 'failed') {
      const { code, message, remedy } = end.error;
      throw new AppError(code, message, { remedy });
    }
    const folder = join(job.cache, end.key);
    if (end.type === 'known') {
      const result = await readResult(folder);
      if (result !== null) return result;
      // The cache was damaged, readResult has removed it: once more, from the files.
      return await runImporter(job, options);
    }
    await keep(work, job.cache, end.key);
    const result = await readResult(folder);
    if (result !== null) return result;
    throw new AppError('disk', `What was imported to ${folder} reads back differently.`, {
      remedy: 'Check the disk of the workspace.',
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function workFolder(cache: string): Promise<string> {
  try {
    await mkdir(cache, { recursive: true });
    return await mkdtemp(join(cache, 'part-'));
  } catch (thrown) {
    throw new AppError('disk', `Nothing can be written to ${cache} (${codeOf(thrown)}).`, {
      remedy: 'Check the permissions and the free space of the workspace.',
      cause: thrown,
    });
  }
}

type End = Exclude<News, { type: 'progress' | 'memory' }>;

/** Runs the process to its end; resolves once it is gone, whatever the reason. */
function superviseProcess(
  order: Order,
  { entry, signal, onProgress, budget }: RunImporterOptions,
): Promise<End> {
  const { rss_bytes, stall_ms } = { ...BUDGET, ...budget };
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(cancelled());
    const child = fork(entry, [], {
      // In Electron process.execPath is Electron; this makes it plain Node.
      env: { ...process.env, ELECTRON_RUN_AS_NODE: '1' },
      execArgv: [],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    let heard = Date.now();
    let told = 0;
    let current = '';
    let said = '';
    let reported = 0;
    let started = false;
    let outcome: End | AppError | undefined;

    const stop = (why: AppError): void => {
      outcome ??= why;
      child.kill('SIGKILL');
    };
    const onAbort = (): void => stop(cancelled());
    const watch = setInterval(() => {
      const rss = Math.max(reported, residentBytes(child) ?? 0);
      if (rss > rss_bytes) {
        stop(gaveUp(`it took ${(rss / 1e9).toFixed(1)} GB of memory`, current));
      } else if (Date.now() - heard > stall_ms) {
        stop(gaveUp(`it got nowhere for ${Math.round(stall_ms / 1000)} s`, current));
      }
    }, CHECK_EVERY_MS);
    const settle = (): void => {
      clearInterval(watch);
      signal?.removeEventListener('abort', onAbort);
    };

    signal?.addEventListener('abort', onAbort);
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-2000);
    });
    child.on('message', (message) => {
      const parsed = NewsSchema.safeParse(message);
      if (!parsed.success) return stop(new AppError('internal', 'The importer spoke gibberish.'));
      const news = parsed.data;
      if (news.type === 'memory') {
        reported = news.rss;
      } else if (news.type === 'progress') {
        started = true;
        heard = Date.now();
        current = news.current;
        if (heard - told < CHECK_EVERY_MS && news.done !== news.total) return;
        told = heard;
        onProgress?.({ done: news.done, total: news.total });
      } else {
        outcome ??= news;
      }
    });
    child.on('error', (error) => {
      settle();
      reject(new AppError('internal', `The importer does not start: ${error.message}.`));
    });
    child.on('close', (code, killer) => {
      settle();
      if (outcome instanceof AppError) reject(outcome);
      else if (outcome !== undefined) resolve(outcome);
      else reject(ended(killer ?? `exit code ${code}`, started ? current : null, said));
    });
    child.send(order);
  });
}

/** Asked of the system where it says, as a process too busy to speak may be the one that grows. */
function residentBytes(child: ChildProcess): number | undefined {
  if (process.platform !== 'linux' || child.pid === undefined) return undefined;
  try {
    const status = readFileSync(`/proc/${child.pid}/status`, 'latin1');
    const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(status)?.[1];
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
  } catch (thrown) {
    // It ended between two looks; its 'close' event tells the rest.
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    if ((thrown as NodeJS.ErrnoException).code === 'ESRCH') return undefined;
    throw thrown;
  }
}

function where(current: string): string {
  return current === '' ? '' : ` at ${current} or one of the files after it`;
}

function gaveUp(why: string, current: string): AppError {
  return new AppError('bad_data', `The import was stopped${where(current)}: ${why}.`, {
    remedy: 'Take that file out of the folder and try again.',
  });
}

/** @param current null when nothing was heard of the process before its end */
function ended(how: string, current: string | null, said: string): AppError {
  const lines = said.split('\n').filter((line) => line.trim() !== '' && !line.includes('GLib'));
  const telling = lines.find((line) => /Error\b.*:/.test(line)) ?? lines.at(-1);
  const words = telling === undefined ? '' : `: ${telling.trim()}`;
  if (current === null) {
    return new AppError('unavailable', `The importer does not start (${how})${words}.`, {
      remedy: 'Build or install Protodiff again.',
    });
  }
  return new AppError('bad_data', `The import broke off${where(current)} (${how})${words}.`, {
    remedy: 'Take that file out of the folder and try again.',
  });
}

function cancelled(): AppError {
  return new AppError('cancelled', 'The import was cancelled.');
}
