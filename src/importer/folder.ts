import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { AppError } from '@shared/errors';
import { decodeImage, Unreadable } from './image';
import type { ImportJob, ImportProgress } from './job';
import { importKey } from './key';
import { Sink } from './sink';
import { Skips } from './skips';
import { byCodePoint, walk } from './walk';
import type { FoundFile } from './walk';

/** Decoded side by side; more gains nothing on libuv's four threads. */
const LANES = 4;
/** One typed array must hold the set, and so must the machine. */
const MAX_BYTES = 4e9;
const REASONS_SHOWN = 3;

export interface Hooks {
  progress(progress: ImportProgress, current: string): void;
  /** Whether the cache has the result of this key, so that nothing needs to be read. */
  known(key: string): boolean;
  /**
   * Whether this process has grown enough to be replaced. Under Electron on Linux libvips meets
   * the system's GLib, and every image leaks some 200 KB.
   */
  full(): boolean;
}

export interface Outcome {
  key: string;
  /** False: a new process with the same order is to go on. */
  whole: boolean;
}

/** How far the processes before this one came; lies in the work folder. */
const ProgressSchema = z.strictObject({
  key: z.string(),
  next: z.number().int(),
  read: z.array(z.string()),
  failed: z.array(z.strictObject({ what: z.string(), reason: z.string() })),
});
const PROGRESS_FILE = 'progress.json';

/**
 * Imports every image below a folder, in the order of their names. Where all images lie in
 * subfolders, the first folder of each path is its label; where some lie at the top, there are
 * no labels.
 * @throws AppError bad_data when there is not one readable image
 */
export async function importFolder(job: ImportJob, work: string, hooks: Hooks): Promise<Outcome> {
  const skips = new Skips();
  const files = await walk(job.path, skips, (folder) =>
    hooks.progress({ done: 0, total: null }, folder),
  );
  const key = importKey(job, files);
  if (hooks.known(key)) return { key, whole: true };
  checkMemory(job, files.length);

  const state = await earlier(work, key);
  const sink = await Sink.open(work, job.image_size, job.channels);
  while (state.next < files.length) {
    const lane = files.slice(state.next, state.next + LANES);
    hooks.progress({ done: state.next, total: files.length }, lane[0]?.name ?? '');
    const images = await Promise.all(lane.map((file) => decode(file, job)));
    for (const [i, image] of images.entries()) {
      const what = lane[i]?.name ?? '';
      if (image instanceof Unreadable) {
        state.failed.push({ what, reason: image.message });
        continue;
      }
      await sink.write(image);
      state.read.push(what);
    }
    state.next += lane.length;
    if (state.next < files.length && hooks.full()) {
      await sink.pause();
      await writeFile(join(work, PROGRESS_FILE), JSON.stringify(state));
      return { key, whole: false };
    }
  }
  for (const { what, reason } of state.failed) skips.add(what, reason);
  if (state.read.length === 0) throw nothingReadable(job.path, skips);
  hooks.progress({ done: files.length, total: files.length }, '');
  const { labels, classes } = labelsOf(state.read);
  await sink.finish(labels, { classes, ...skips.report });
  await rm(join(work, PROGRESS_FILE), { force: true });
  return { key, whole: true };
}

async function earlier(work: string, key: string): Promise<z.infer<typeof ProgressSchema>> {
  const path = join(work, PROGRESS_FILE);
  if (!existsSync(path)) return { key, next: 0, read: [], failed: [] };
  const state = ProgressSchema.parse(JSON.parse(await readFile(path, 'utf8')));
  if (state.key === key) return state;
  throw new AppError('bad_data', 'The folder changed while it was imported.', {
    remedy: 'Try again once nothing writes to it.',
  });
}

async function decode(
  file: FoundFile,
  { image_size, channels }: ImportJob,
): Promise<Uint8Array | Unreadable> {
  try {
    return await decodeImage(file.path, image_size, channels);
  } catch (thrown) {
    if (thrown instanceof Unreadable) return thrown;
    throw thrown;
  }
}

/** @param names of images; classes come out in the order of their code points */
export function labelsOf(names: string[]): { labels: Int32Array | null; classes: string[] } {
  const folders = names.map((name) => name.slice(0, Math.max(0, name.indexOf('/'))));
  if (folders.includes('')) return { labels: null, classes: [] };
  const classes = byCodePoint([...new Set(folders)], (name) => name);
  const numbers = new Map(classes.map((name, number) => [name, number]));
  return { labels: Int32Array.from(folders, (folder) => numbers.get(folder) ?? 0), classes };
}

function checkMemory({ image_size, channels }: ImportJob, files: number): void {
  const bytes = files * image_size ** 2 * channels;
  if (bytes <= MAX_BYTES) return;
  throw new AppError(
    'bad_data',
    `${files} images of ${image_size} x ${image_size} take ${(bytes / 1e9).toFixed(1)} GB of memory; ${MAX_BYTES / 1e9} GB is the limit.`,
    { remedy: 'Choose a smaller image_size or a folder with fewer images.' },
  );
}

function nothingReadable(path: string, skips: Skips): AppError {
  const { skipped, skipped_total } = skips.report;
  const first = skipped.slice(0, REASONS_SHOWN).map(({ what, reason }) => `${what}: ${reason}`);
  const rest = skipped_total - first.length;
  const reasons = rest > 0 ? [...first, `and ${rest} more`] : first;
  return new AppError(
    'bad_data',
    `No readable image in ${path}${reasons.length > 0 ? ` (${reasons.join('; ')})` : ', it is empty'}.`,
    { remedy: 'Choose a folder with PNG, JPEG, WebP or GIF images in it or in its subfolders.' },
  );
}
