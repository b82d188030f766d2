import type { Setting } from '@shared/config/settings';
import { AppError } from '@shared/errors';
import type { SubscriptionEvent } from '@shared/protocol/contract';
import type { QueueJob } from '@shared/protocol/contract-queue';
import type { Engine } from '../engine/engine';
import type { Call } from './call';
import { table } from './help';
import { ProgressLine } from './progress';
import { attend, tell } from './train';
import type { Report } from './train';

const never = new AbortController().signal;
type Queue = SubscriptionEvent<'queue'>;

export interface JobResult {
  job: QueueJob;
  /** Null where no run began. */
  report: Report | null;
}

/**
 * Starts the queue and tells of its jobs, one by one, until none is left or it was interrupted: then
 * the run that trains is stopped to be continued, and the rest waits.
 * @param jobs  only these
 */
export async function runJobs(
  call: Call,
  engine: Engine,
  { sweep, jobs, interrupt }: { sweep?: string; jobs?: readonly number[]; interrupt: AbortSignal },
  each: (result: JobResult) => void,
): Promise<void> {
  const queue = new QueueWatch(engine);
  const line = new ProgressLine(tell(call));
  const stop = (): void => {
    line.end();
    tell(call).write('Stopping after this step, with a checkpoint; the rest waits.\n');
    engine.request('queue.pause', { interrupt: true }, never).catch((thrown: unknown) => {
      call.context.stderr.write(`${AppError.from(thrown).message}\n`);
    });
  };
  try {
    // What ended before is none of ours.
    const told = new Set(queue.now.jobs.filter(ended).map(({ job }) => job));
    const ours = (job: QueueJob): boolean =>
      !job.elsewhere && !told.has(job.job) && (jobs?.includes(job.job) ?? true);
    await engine.request('queue.start', sweep === undefined ? {} : { sweep }, never);
    queue.pull();
    interrupt.addEventListener('abort', stop, { once: true });
    if (interrupt.aborted) stop();
    for (;;) {
      const job = await queue.until((now) => {
        const own = now.jobs.filter(ours);
        const next = own.find(
          (one) => (one.run !== null && one.run === queue.trains) || ended(one),
        );
        return next ?? (now.running || own.some(({ state }) => state === 'running') ? false : null);
      });
      if (job === null) return;
      const report = job.run === null ? null : await follow(job, job.run);
      const end = await queue.until(({ jobs: all }) => {
        const now = all.find((one) => one.job === job.job);
        return now === undefined || now.state === 'running' ? false : now;
      });
      if (!ended(end)) continue;
      told.add(end.job);
      if (end.problem !== null && report === null)
        call.context.stderr.write(`Job ${end.job} ${end.state}. ${end.problem}\n`);
      each({ job: end, report });
    }
  } finally {
    interrupt.removeEventListener('abort', stop);
    queue.close();
  }

  async function follow({ job, differs }: QueueJob, run: string): Promise<Report> {
    const words = differs.length === 0 ? '' : `: ${differs.map(pair).join(', ')}`;
    tell(call).write(`Job ${job}${words}\n`);
    return (await attend(call, engine, { run, from: 0, line })).report;
  }
}

const pair = ({ name, value }: Setting): string => `${name}=${wordOf(value)}`;

const wordOf = (value: Setting['value']): string =>
  typeof value === 'string' ? value : JSON.stringify(value);

export function ended({ state }: QueueJob): boolean {
  return state === 'done' || state === 'failed' || state === 'cancelled';
}

/** What a machine reads of a job. */
export function jobLine({ job, report }: JobResult): Record<string, unknown> {
  const { differs, sweep, state, problem } = job;
  const settings = Object.fromEntries(differs.map(({ name, value }) => [name, value]));
  return { ...report, job: job.job, sweep, differs: settings, state, problem, run: job.run };
}

/** The lowest loss first: of the validation where all have it, else of the last training steps. */
export function ranked(results: readonly JobResult[]): JobResult[] {
  const done = results.filter(({ job }) => job.state === 'done');
  const validated =
    done.length > 0 && done.every(({ report }) => typeof report?.val_loss === 'number');
  const loss = ({ job, report }: JobResult): number =>
    job.state !== 'done'
      ? Infinity
      : ((validated ? report?.val_loss : report?.loss_last50) ?? Infinity);
  return [...results].sort((a, b) => (loss(a) < loss(b) ? -1 : loss(a) > loss(b) ? 1 : 0));
}

export function resultTable(results: readonly JobResult[]): string {
  const names = [...new Set(results.flatMap(({ job }) => job.differs.map(({ name }) => name)))];
  const rows = ranked(results).map(({ job, report }) => [
    ...names.map((name) => {
      const setting = job.differs.find((one) => one.name === name);
      return setting === undefined ? '' : wordOf(setting.value);
    }),
    ...[report?.val_loss?.toFixed(4) ?? '', report?.loss_last50?.toFixed(4) ?? ''],
    ...[job.state, job.run ?? '', job.state === 'done' ? '' : (job.problem ?? '')],
  ]);
  const head = [...names, 'val loss', 'loss', 'state', 'run', ''];
  return `${table([head, ...rows]).join('\n')}\n`;
}

/** The queue and the run that trains, as they are told, and waiting for them to be in some way. */
class QueueWatch {
  now: Queue = { running: false, jobs: [] };
  trains: string | null = null;
  private waiting: (() => void) | undefined;
  private readonly queue;
  private readonly status;

  constructor(engine: Engine) {
    const later = (): void => void setImmediate(() => this.pull());
    this.queue = engine.subscribe('queue', {}, later);
    this.status = engine.subscribe('status', {}, later);
    this.pull();
  }

  pull(): void {
    this.now = (this.queue.pull() as Queue | undefined) ?? this.now;
    const status = this.status.pull() as SubscriptionEvent<'status'> | undefined;
    if (status !== undefined) this.trains = status.active?.run ?? null;
    this.waiting?.();
  }

  /** @param probe  false: not yet */
  async until<T>(probe: (now: Queue) => T | false): Promise<T> {
    for (;;) {
      const found = probe(this.now);
      if (found !== false) return found;
      await new Promise<void>((resolve) => (this.waiting = resolve));
    }
  }

  close(): void {
    this.queue.close();
    this.status.close();
  }
}
