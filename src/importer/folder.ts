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
}

/**
 * Imports every image below a folder, in the order of their names. Where all images lie in
 * subfolders, the first folder of each path is its label; where some lie at the top, there are
 * no labels.
 * @returns the result's key
 * @throws AppError bad_data when there is not one readable image
 */
export async function importFolder(job: ImportJob, work: string, hooks: Hooks): Promise<string> {
  const skips = new Skips();
  const files = await walk(job.path, skips, (folder) =>
    hooks.progress({ done: 0, total: null }, folder),
  );
  const key = importKey(job, files);
  if (hooks.known(key)) return key;
  checkMemory(job, files.length);

  const sink = await Sink.open(work, job.image_size, job.channels);
  const read: string[] = [];
  for (let at = 0; at < files.length; at += LANES) {
    const lane = files.slice(at, at + LANES);
    hooks.progress({ done: at, total: files.length }, lane[0]?.name ?? '');
    const images = await Promise.all(lane.map((file) => decodeOrSkip(file, job, skips)));
    for (const [i, image] of images.entries()) {
      if (image === null) continue;
      await sink.write(image);
      read.push(lane[i]?.name ?? '');
    }
  }
  if (read.length === 0) throw nothingReadable(job.path, skips);
  hooks.progress({ done: files.length, total: files.length }, '');
  const { labels, classes } = labelsOf(read);
  await sink.finish(labels, { classes, ...skips.report });
  return key;
}

async function decodeOrSkip(
  file: FoundFile,
  { image_size, channels }: ImportJob,
  skips: Skips,
): Promise<Uint8Array | null> {
  try {
    return await decodeImage(file.path, image_size, channels);
  } catch (thrown) {
    if (!(thrown instanceof Unreadable)) throw thrown;
    skips.add(file.name, thrown.message);
    return null;
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
