import { createHash } from 'node:crypto';
import { isAbsolute, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { extract, pack } from 'tar-stream';
import { z } from 'zod';
import { AppError } from '@shared/errors';
import { makeFolder, syncFolder, writeAll } from './atomic';
import { diskError, guarded } from './disk-error';
import { entries, exists, nodeFs, statOrNull } from './fs-port';
import type { FsPort } from './fs-port';
import { LABELS_FILE, labelsPath, readRunLabels, writeRunLabels } from './labels';
import { readOrigin } from './origin';
import { readCheckpoints, readFacts, readSamples } from './records';
import { removeFolder, stagingFolder } from './run-create';
import { findRun, runsPath, STORE_FILE } from './run-folder';
import type { RunFolder } from './run-folder';
import { RUN_ID } from './run-name';
import { readKnown, withDatabase } from './run-reader';
import { freeId } from './shelf';
import { snapshotInto } from './snapshot';
import { leaveSummary } from './summary-cache';

/** The last entry of the file: without it, or with another sum, the file was cut or changed. */
const MANIFEST = 'manifest.json';
const ENDING = '.protodiff-run.tar';
/** A JSON file of a run is not larger; what is, is none. */
const MAX_JSON = 64_000_000;
/** Bytes read in one turn of the event loop, in which a run may be training. */
const PIECE = 1 << 18;

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
  fs: FsPort = nodeFs,
): Promise<{ file: string; bytes: number }> {
  const what = `The run ${run} could not be exported`;
  const source = guarded(what, () => findRun(fs, root, run));
  const file = target ?? join(root, 'exports', `${run}${ENDING}`);
  const staging = stagingFolder(root, run);
  const partial = `${file}.${process.pid}.tmp`;
  try {
    const files = snapshotInto(fs, source, staging, 'link');
    const labelled = exists(fs, labelsPath(source));
    makeFolder(fs, join(file, '..'));
    const tar = pack();
    // Its failure is that of the one who reads or fills it.
    tar.on('error', () => undefined);
    const filled = fill(fs, tar, run, [
      { name: 'run.json', path: source.origin },
      ...(labelled ? [{ name: LABELS_FILE, path: labelsPath(source) }] : []),
      ...files.map((name) => ({ name, path: join(staging.path, name) })),
    ]);
    const [{ bytes }] = await Promise.all([save(fs, bytesOf(tar), partial, 'w'), filled]).catch(
      (error: unknown) => {
        tar.destroy();
        throw error;
      },
    );
    fs.rename(partial, file);
    syncFolder(fs, join(file, '..'));
    return { file, bytes };
  } catch (error) {
    removeFolder(fs, partial, error);
    throw diskError(`${what} to ${file}`, error);
  } finally {
    // What cannot be removed is swept when the workspace is next opened.
    removeFolder(fs, staging.path, undefined);
  }
}

async function fill(
  fs: FsPort,
  tar: ReturnType<typeof pack>,
  run: string,
  files: { name: string; path: string }[],
): Promise<void> {
  const manifest: Manifest = { protodiff_run: 1, run, files: {} };
  for (const { name, path } of files) {
    const bytes = fs.stat(path).size;
    const hash = createHash('sha256');
    const entry = tar.entry({ name, size: bytes });
    await pipeline(
      piecesOf(fs, path),
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
export async function importRun(
  root: string,
  file: string,
  fs: FsPort = nodeFs,
): Promise<{ run: string }> {
  const what = `The file ${file.slice(0, 300)} could not be imported`;
  const stat = isAbsolute(file) ? guarded(what, () => statOrNull(fs, file)) : null;
  if (stat?.isFile() !== true) {
    throw new AppError('not_found', `There is no file ${file.slice(0, 300)}.`, {
      remedy: `Give the whole path of a ${ENDING} file.`,
    });
  }
  const free = guarded(what, () => {
    makeFolder(fs, runsPath(root));
    return fs.free(runsPath(root));
  });
  if (stat.size > free) {
    throw new AppError('disk', `The run needs ${stat.size} bytes and the disk has ${free}.`, {
      remedy: 'Free some space on this disk first.',
    });
  }
  const staging = stagingFolder(root, 'imported');
  try {
    fs.mkdir(staging.path);
    const { manifest, found } = await unpack(fs, file, staging);
    check(fs, manifest, found, staging);
    return { run: adopt(fs, root, manifest.run, staging) };
  } catch (error) {
    removeFolder(fs, staging.path, error);
    const told = diskError(what, error);
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
  fs: FsPort,
  file: string,
  staging: RunFolder,
): Promise<{ manifest: Manifest; found: Manifest['files'] }> {
  const found: Manifest['files'] = {};
  let manifest: Manifest | undefined;
  const untar = extract();
  const reading = pipeline(piecesOf(fs, file), untar);
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
      found[name] = await save(fs, bytesOf(entry), join(staging.path, name), 'wx');
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

/** A file in pieces, each in a turn of its own. */
async function* piecesOf(fs: FsPort, path: string): AsyncGenerator<Buffer> {
  const fd = fs.open(path, 'r');
  try {
    for (let at = 0; ;) {
      const piece = Buffer.alloc(PIECE);
      const bytes = fs.read(fd, piece, at);
      if (bytes === 0) return;
      at += bytes;
      yield piece.subarray(0, bytes);
      await new Promise((done) => setImmediate(done));
    }
  } finally {
    fs.close(fd);
  }
}

/** Whole and durable when it resolves. */
async function save(
  fs: FsPort,
  entry: Bytes,
  path: string,
  flags: 'w' | 'wx',
): Promise<{ bytes: number; sha256: string }> {
  makeFolder(fs, join(path, '..'));
  const hash = createHash('sha256');
  let bytes = 0;
  const fd = fs.open(path, flags);
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
function check(fs: FsPort, manifest: Manifest, found: Manifest['files'], staging: RunFolder): void {
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

function adopt(fs: FsPort, root: string, wanted: string, staging: RunFolder): string {
  const runs = runsPath(root);
  const run = freeId(wanted, new Set(entries(fs, runs).map((entry) => entry.name)));
  if (run !== wanted) {
    const name = readRunLabels(fs, staging).labels.name ?? readOrigin(fs, staging).name;
    writeRunLabels(fs, staging, { name: `${name}, imported` });
  }
  for (const path of [staging.checkpoints, staging.samples, staging.path]) {
    if (exists(fs, path)) syncFolder(fs, path);
  }
  fs.rename(staging.path, join(runs, run));
  syncFolder(fs, runs);
  const folder = findRun(fs, root, run);
  leaveSummary(fs, folder, () => readKnown(fs, folder, ''));
  return run;
}
