import { createHash } from 'node:crypto';
import { open, readdir, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '@shared/errors';
import { IMAGES_FILE, LABELS_FILE, REPORT_FILE, ReportSchema } from './job';
import type { ImportResult } from './job';

/** Imports kept; the least recently used go first. */
const KEPT = 8;
/** What a killed engine left half-made is dropped after this. */
const STALE_MS = 24 * 3600 * 1000;
const CHUNK = 32 * 2 ** 20;

/**
 * Reads an import back, checking every byte.
 * @returns null when it is not whole; it is removed then.
 * @throws AppError bad_data when it does not fit into memory
 */
export async function readResult(folder: string): Promise<ImportResult | null> {
  try {
    const text = await readFile(join(folder, REPORT_FILE), 'utf8');
    const { labelled, labels_sha256, ...report } = ReportSchema.parse(JSON.parse(text));
    const { count, height, width, channels } = report;
    const images = await readChecked(
      join(folder, IMAGES_FILE),
      count * height * width * channels,
      report.images_sha256,
    );
    const bytes = await readChecked(
      join(folder, LABELS_FILE),
      labelled ? 4 * count : 0,
      labels_sha256,
    );
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const labels = labelled
      ? Int32Array.from({ length: count }, (_, i) => view.getInt32(4 * i, true))
      : null;
    const now = new Date();
    await utimes(folder, now, now);
    return { ...report, images, labels };
  } catch (thrown) {
    if (thrown instanceof AppError) throw thrown;
    await rm(folder, { recursive: true, force: true });
    return null;
  }
}

async function readChecked(path: string, length: number, sha256: string): Promise<Uint8Array> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    if (size !== length) throw new Error(`${path} has ${size} bytes, not ${length}`);
    const bytes = allocate(length);
    const hash = createHash('sha256');
    // In pieces: one read stops at 2 GB, and the engine has to answer in between.
    for (let at = 0; at < length; at += CHUNK) {
      const piece = bytes.subarray(at, Math.min(at + CHUNK, length));
      const { bytesRead } = await file.read(piece, 0, piece.length, at);
      if (bytesRead !== piece.length) throw new Error(`${path} ends early`);
      hash.update(piece);
    }
    if (hash.digest('hex') !== sha256) throw new Error(`${path} has changed`);
    return bytes;
  } finally {
    await file.close();
  }
}

function allocate(length: number): Uint8Array {
  try {
    return new Uint8Array(length);
  } catch (thrown) {
    throw new AppError(
      'bad_data',
      `There is no room for ${(length / 1e9).toFixed(1)} GB of images.`,
      {
        remedy: 'Choose a smaller image_size or a folder with fewer images.',
        cause: thrown,
      },
    );
  }
}

/** Gives a finished import its name, then drops the oldest ones. */
export async function keep(work: string, cache: string, key: string): Promise<void> {
  await rm(join(cache, key), { recursive: true, force: true });
  await rename(work, join(cache, key));
  const entries: { name: string; used: number }[] = [];
  for (const name of await readdir(cache)) {
    const used = await lastUse(join(cache, name));
    if (used !== null) entries.push({ name, used });
  }
  const isPart = (name: string): boolean => name.startsWith('part-');
  const old = entries
    .filter(({ name }) => !isPart(name))
    .sort((a, b) => b.used - a.used)
    .slice(KEPT);
  const stale = entries.filter(({ name, used }) => isPart(name) && Date.now() - used > STALE_MS);
  for (const { name } of [...old, ...stale]) {
    await rm(join(cache, name), { recursive: true, force: true });
  }
}

/** Null when another process has removed it meanwhile. */
async function lastUse(path: string): Promise<number | null> {
  try {
    return (await stat(path)).mtimeMs;
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw thrown;
  }
}
