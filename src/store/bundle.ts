import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, statSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { extract, pack } from 'tar-stream';
import { z } from 'zod';
import { AppError } from '@shared/errors';
import { syncFolder, writeAll } from './atomic';
import { diskError } from './disk-error';
import { entries, exists, nodeFs as fs } from './fs-port';
import { LABELS_FILE, labelsPath, readRunLabels, writeRunLabels } from './labels';
import { readOrigin } from './origin';
import { readCheckpoints, readFacts, readSamples } from './records';
import { removeFolder, stagingFolder } from './run-create';
import { findRun, runsPath, STORE_FILE } from './run-folder';
import type { RunFolder } from './run-folder';
import { RUN_ID } from './run-name';
import { readKnown, withDatabase } from './run-reader';
import { freeId } from './shelf';
import { durable, snapshotInto } from './snapshot';
import { leaveSummary } from './summary-cache';

/** The last entry of the file: without it, or with another sum, the file was cut or changed. */
const MANIFEST = 'manifest.json';
const ENDING = '.protodiff-run.tar';
/** A JSON file of a run is not larger; what is, is none. */
const MAX_JSON = 64_000_000;

const ManifestSchema = z.object({
  protodiff_run: z.literal(1),
  run: z.string().regex(RUN_ID),
  files: z.record(z.string(), z.object({ bytes: z.number(), sha256: z.string() })),
});
type Manifest = z.infer<typeof ManifestSchema>;

/**
 * Writes a run as one tar file: a snapshot, streamed, with the SHA-256 of each file at its end. The
 * run may be written meanwhile.
 *
 * @param target  absolute path; by default in the workspace's `exports`
 * @throws AppError not_found, disk
 */
export async function exportRun(
  root: string,
  run: string,
  target?: string,
): Promise<{ file: string; bytes: number }> {
  const source = findRun(fs, root, run);
  const file = target ?? join(root, 'exports', `${run}${ENDING}`);
  const staging = stagingFolder(root, run);
  const partial = `${file}.${process.pid}.tmp`;
  try {
    const files = snapshotInto(fs, source, staging, 'link');
    fs.mkdirs(join(file, '..'));
    const tar = pack();
    const written = pipeline(tar, createWriteStream(partial));
    const filled = fill(tar, run, [
      { name: 'run.json', path: source.origin },
      ...(exists(fs, labelsPath(source)) ? [{ name: LABELS_FILE, path: labelsPath(source) }] : []),
      ...files.map((name) => ({ name, path: join(staging.path, name) })),
    ]).catch((error: unknown) => tar.destroy(error instanceof Error ? error : undefined));
    await Promise.all([written, filled]);
    durable(partial);
    fs.rename(partial, file);
    syncFolder(fs, join(file, '..'));
    return { file, bytes: statSync(file).size };
  } catch (error) {
    fs.remove(partial);
    throw diskError(`The run ${run} could not be exported to ${file}`, error);
  } finally {
    fs.remove(staging.path);
  }
}

async function fill(
  tar: ReturnType<typeof pack>,
  run: string,
  files: { name: string; path: string }[],
): Promise<void> {
  const manifest: Manifest = { protodiff_run: 1, run, files: {} };
  for (const { name, path } of files) {
    const bytes = statSync(path).size;
    const hash = createHash('sha256');
    const entry = tar.entry({ name, size: bytes });
    await pipeline(
      createReadStream(path),
      async function* (chunks: AsyncIterable<Buffer>) {
        for await (const chunk of chunks) {
          hash.update(chunk);
          yield chunk;
        }
      },
      entry,
    );
    manifest.files[name] = { bytes, sha256: hash.digest('hex') };
  }
  tar.entry({ name: MANIFEST }, JSON.stringify(manifest));
  tar.finalize();
}

/**
 * Takes in a run that `exportRun` wrote, under its own id or, where that is taken, a numbered one.
 * Nothing appears in the workspace unless every file is whole and fits its sum.
 *
 * @throws AppError bad_data naming what is wrong with the file, not_found, disk
 */
export async function importRun(root: string, file: string): Promise<{ run: string }> {
  const stat = isAbsolute(file) ? statSync(file, { throwIfNoEntry: false }) : undefined;
  if (stat?.isFile() !== true) {
    throw new AppError('not_found', `There is no file ${file.slice(0, 300)}.`, {
      remedy: `Give the whole path of a ${ENDING} file.`,
    });
  }
  fs.mkdirs(runsPath(root));
  const free = fs.free(runsPath(root));
  if (stat.size > free) {
    throw new AppError('disk', `The run needs ${stat.size} bytes and the disk has ${free}.`, {
      remedy: 'Free some space on this disk first.',
    });
  }
  const staging = stagingFolder(root, 'imported');
  try {
    fs.mkdir(staging.path);
    const { manifest, found } = await unpack(file, staging);
    check(manifest, found, staging);
    return { run: adopt(root, manifest.run, staging) };
  } catch (error) {
    removeFolder(fs, staging.path, error);
    const told = diskError(`The file ${file} could not be imported`, error);
    if (told.code !== 'internal') throw told;
    throw notOurs(error instanceof Error ? error.message : String(error), error);
  }
}

const notOurs = (why: string, cause?: unknown): AppError =>
  new AppError('bad_data', `The file is no exported run, or is damaged: ${why}.`, {
    remedy: 'Export the run again, or copy the file again from its source.',
    cause,
  });

/** Names are ours alone; anything else ends the import. */
function placeOf(name: string): 'json' | 'file' {
  if (name === 'run.json' || name === LABELS_FILE || name === MANIFEST) return 'json';
  const [folder = '', base = '', ...more] = name.split('/');
  const kept = folder === 'checkpoints' || folder === 'samples';
  if (name === 'run.sqlite' || (kept && STORE_FILE.test(base) && more.length === 0)) return 'file';
  throw notOurs(`it holds ${JSON.stringify(name.slice(0, 100))}`);
}

async function unpack(
  file: string,
  staging: RunFolder,
): Promise<{ manifest: Manifest; found: Manifest['files'] }> {
  const found: Manifest['files'] = {};
  let manifest: Manifest | undefined;
  const untar = extract();
  const reading = pipeline(createReadStream(file), untar);
  // A failure of the loop below ends the reading too; it is the one to be told.
  reading.catch(() => undefined);
  for await (const entry of untar) {
    const { name, type, size = 0 } = entry.header;
    if (manifest !== undefined) throw notOurs('it goes on after its end');
    if (type !== 'file') throw notOurs(`${JSON.stringify(name.slice(0, 100))} is no file`);
    if (Object.hasOwn(found, name)) throw notOurs(`it holds ${name} twice`);
    if (placeOf(name) === 'json' && size > MAX_JSON) throw notOurs(`${name} is too large`);
    if (name === MANIFEST) {
      const parsed = ManifestSchema.safeParse(JSON.parse(await textOf(bytesOf(entry))));
      if (!parsed.success) throw notOurs('its manifest has another form');
      manifest = parsed.data;
    } else {
      found[name] = await save(bytesOf(entry), join(staging.path, name));
    }
  }
  await reading;
  if (manifest === undefined) throw notOurs('its end is missing');
  return { manifest, found };
}

/** An entry is an async iterable of its bytes, which its types leave out. */
type Bytes = AsyncIterable<Buffer>;
const bytesOf = (entry: object): Bytes => entry as Bytes;

async function textOf(entry: Bytes): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of entry) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

async function save(entry: Bytes, path: string): Promise<{ bytes: number; sha256: string }> {
  fs.mkdirs(join(path, '..'));
  const hash = createHash('sha256');
  let bytes = 0;
  const fd = fs.open(path, 'wx');
  try {
    for await (const chunk of entry) {
      hash.update(chunk);
      writeAll(fs, fd, chunk);
      bytes += chunk.length;
    }
    fs.fsync(fd);
  } finally {
    fs.close(fd);
  }
  return { bytes, sha256: hash.digest('hex') };
}

/** Every file is there with its sum, the database reads, and its rows name files that are there. */
function check(manifest: Manifest, found: Manifest['files'], staging: RunFolder): void {
  for (const [name, { bytes, sha256 }] of Object.entries(manifest.files)) {
    if (!Object.hasOwn(found, name)) throw notOurs(`${name} is missing`);
    if (found[name]?.bytes !== bytes || found[name].sha256 !== sha256)
      throw notOurs(`${name} is not what was exported`);
  }
  const extra = Object.keys(found).find((name) => !Object.hasOwn(manifest.files, name));
  if (extra !== undefined) throw notOurs(`${extra} was added`);
  readOrigin(fs, staging);
  withDatabase(fs, staging, (db) => {
    const health = db.prepare('PRAGMA quick_check').get();
    if (health?.quick_check !== 'ok') throw notOurs('its database is damaged');
    readFacts(db);
    for (const { file } of [...readCheckpoints(db), ...readSamples(db)]) {
      if (!Object.hasOwn(found, file)) throw notOurs(`${file} is missing`);
    }
  });
}

function adopt(root: string, wanted: string, staging: RunFolder): string {
  const runs = runsPath(root);
  const run = freeId(wanted, new Set(entries(fs, runs).map((entry) => entry.name)));
  if (run !== wanted) {
    const name = readRunLabels(fs, staging).labels.name ?? readOrigin(fs, staging).name;
    writeRunLabels(fs, staging, { name: `${name}, imported` });
  }
  syncFolder(fs, staging.path);
  fs.rename(staging.path, join(runs, run));
  syncFolder(fs, runs);
  const folder = findRun(fs, root, run);
  leaveSummary(fs, folder, () => readKnown(fs, folder, ''));
  return run;
}
