import { open, readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { AppError } from '@shared/errors';
import { halve, toChannels } from '../engine/data/pixels';
import type { Hooks, Outcome } from './folder';
import type { ImportJob } from './job';
import { importKey } from './key';
import { Sink } from './sink';
import { codeOf } from './walk';
import type { FoundFile } from './walk';

/** A record: one byte of label, then the red, green and blue planes of 32 x 32. */
const EDGE = 32;
const PLANE = EDGE * EDGE;
const RECORD = 1 + 3 * PLANE;
const CLASSES = 10;
const RECORDS_AT_ONCE = 500;
const REMEDY = 'Unpack cifar-10-binary.tar.gz again and choose the folder cifar-10-batches-bin.';

/**
 * Imports CIFAR-10's binary files: the training batches of a folder (or of the
 * `cifar-10-batches-bin` in it), or one .bin file.
 * @throws AppError bad_data, naming file and place; bad_config
 */
export async function importCifar10(job: ImportJob, work: string, hooks: Hooks): Promise<Outcome> {
  checkSize(job);
  const files = await batches(job.path);
  const key = importKey(job, files);
  if (hooks.known(key)) return { key, whole: true };
  for (const file of files) checkBytes(file);

  const total = files.reduce((sum, { bytes }) => sum + bytes / RECORD, 0);
  const labels = new Int32Array(total);
  const sink = await Sink.open(work, job.image_size, job.channels);
  let done = 0;
  for (const file of files) {
    const handle = await open(file.path, 'r');
    try {
      for (let record = 0; record < file.bytes / RECORD; record += RECORDS_AT_ONCE) {
        hooks.progress({ done, total }, file.name);
        const n = Math.min(RECORDS_AT_ONCE, file.bytes / RECORD - record);
        const chunk = new Uint8Array(n * RECORD);
        const { bytesRead } = await handle.read(chunk, 0, chunk.length, record * RECORD);
        if (bytesRead !== chunk.length) throw bad(`${file.path} changed while it was read.`);
        for (let i = 0; i < n; i++) {
          const label = chunk[i * RECORD] as number;
          if (label >= CLASSES) {
            const at = (record + i) * RECORD;
            throw bad(
              `${file.path} is no CIFAR-10 batch: record ${record + i} (byte ${at}) has the label ${label}, and labels end at 9.`,
            );
          }
          labels[done + i] = label;
        }
        await sink.write(images(chunk, job));
        done += n;
      }
    } finally {
      await handle.close();
    }
  }
  hooks.progress({ done, total }, '');
  const classes = await classNames(dirname(files[0]?.path ?? job.path));
  await sink.finish(labels, { classes, skipped: [], skipped_total: 0 });
  return { key, whole: true };
}

/** @param records whole records → [n, image_size, image_size, channels] */
function images(records: Uint8Array, { image_size, channels }: ImportJob): Uint8Array {
  const rgb = interleave(records);
  const sized = image_size === EDGE ? rgb : halve(rgb, records.length / RECORD, EDGE, 3);
  return toChannels(sized, 3, channels);
}

function checkSize({ image_size }: ImportJob): void {
  if (image_size === EDGE || image_size === EDGE / 2) return;
  throw new AppError(
    'bad_config',
    `CIFAR-10 comes at ${EDGE / 2} or ${EDGE} pixels, not at ${image_size}.`,
    { remedy: `Set image_size to ${EDGE} or ${EDGE / 2}.` },
  );
}

/** Planes to pixels. @param records [n, 3073] @returns [n, 32, 32, 3] */
export function interleave(records: Uint8Array): Uint8Array {
  const out = new Uint8Array((records.length / RECORD) * 3 * PLANE);
  let to = 0;
  for (let record = 0; record < records.length; record += RECORD) {
    for (let pixel = 1; pixel <= PLANE; pixel++) {
      for (let channel = 0; channel < 3; channel++) {
        out[to++] = records[record + channel * PLANE + pixel] as number;
      }
    }
  }
  return out;
}

/** The training batches in the order of their numbers, or the one file. */
async function batches(path: string): Promise<FoundFile[]> {
  const lookedAt = await look(path, basename(path));
  if (lookedAt !== 'folder') return [lookedAt];
  for (const folder of [path, join(path, 'cifar-10-batches-bin')]) {
    const numbered = (await list(folder))
      .map((name) => ({ name, number: Number(/^data_batch_(\d+)\.bin$/.exec(name)?.[1] ?? NaN) }))
      .filter(({ number }) => !Number.isNaN(number))
      .sort((a, b) => a.number - b.number);
    const files = await Promise.all(numbered.map(({ name }) => look(join(folder, name), name)));
    const found = files.filter((file): file is FoundFile => file !== 'folder');
    if (found.length > 0) return found;
  }
  throw bad(`There is no data_batch_*.bin in ${path}.`);
}

async function look(path: string, name: string): Promise<FoundFile | 'folder'> {
  try {
    const info = await stat(path);
    if (info.isDirectory()) return 'folder';
    if (info.isFile()) return { name, path, bytes: info.size, modified: info.mtimeMs };
  } catch (thrown) {
    throw bad(`There is nothing to read at ${path} (${codeOf(thrown)}).`);
  }
  throw bad(`${path} is not a file but a device, socket or pipe.`);
}

async function list(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (thrown) {
    if (codeOf(thrown) === 'ENOENT') return [];
    throw bad(`The folder ${folder} cannot be read (${codeOf(thrown)}).`);
  }
}

function checkBytes({ path, bytes }: FoundFile): void {
  if (bytes > 0 && bytes % RECORD === 0) return;
  throw bad(
    bytes === 0
      ? `${path} is empty.`
      : `${path} has ${bytes} bytes, which is no multiple of the ${RECORD} of a CIFAR-10 record: it is cut off or of another format.`,
  );
}

/** From batches.meta.txt where it is and names ten classes, else the numbers. */
async function classNames(folder: string): Promise<string[]> {
  const numbers = Array.from({ length: CLASSES }, (_, i) => String(i));
  let text: string;
  try {
    text = await readFile(join(folder, 'batches.meta.txt'), 'utf8');
  } catch (thrown) {
    if (codeOf(thrown) === 'ENOENT') return numbers;
    throw bad(`${join(folder, 'batches.meta.txt')} cannot be read (${codeOf(thrown)}).`);
  }
  const names = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  return names.length === CLASSES ? names : numbers;
}

function bad(message: string): AppError {
  return new AppError('bad_data', message, { remedy: REMEDY });
}
