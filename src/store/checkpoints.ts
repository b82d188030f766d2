import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { AppError } from '@shared/errors';
import type { NdArray } from '@shared/maths/ndarray';
import type { Checkpoint } from '@shared/protocol/contract';
import { readActs } from './acts';
import { atomicWrite, makeFolder } from './atomic';
import { diskError } from './disk-error';
import { exists } from './fs-port';
import type { FsPort } from './fs-port';
import type { LoadedCheckpoint } from './port';
import { readCheckpoints, readJournal } from './records';
import { superseded } from './retention';
import { stepName } from './run-folder';
import type { RunFolder } from './run-folder';
import { readSafetensors, safetensorsChunks } from './safetensors';
import type { Database } from './sqlite';

/** Metadata key that tells of newer checkpoints that `newestWhole` had to pass over. */
export const SKIPPED = 'protodiff.skipped';

/** What a new file may take of the free space: itself, and as much again for what comes next. */
const SPACE_FACTOR = 2;

/**
 * Invariant: a row names a file that was whole and durable before the row was committed. So the
 * file comes first, under a name that no row has; a file without a row (a crash in between, or
 * between dropping a row and its file) is nobody's and is swept when the run is next opened.
 *
 * @returns the row, and the file of a former checkpoint of this step, which is nobody's now
 * @throws AppError disk; then neither row nor file is there
 */
export function saveCheckpoint(
  fs: FsPort,
  folder: RunFolder,
  db: Database,
  step: number,
  content: { tensors: Record<string, NdArray>; metadata: Record<string, string> },
  wall: number,
): { checkpoint: Checkpoint; replaced: string | null } {
  const chunks = safetensorsChunks(content.tensors, content.metadata);
  const sha256 = sha256Of(chunks);
  const bytes = chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0);
  needSpace(fs, folder, step, bytes);
  const before = readCheckpoints(db).find((row) => row.step === step);
  const file = freeName(fs, folder, step);
  makeFolder(fs, folder.checkpoints);
  atomicWrite(fs, join(folder.path, file), chunks);
  const checkpoint = { step, file, sha256, bytes, wall };
  db.prepare('INSERT OR REPLACE INTO checkpoints VALUES (?, ?, ?, ?, ?)').run(
    step,
    file,
    sha256,
    bytes,
    wall,
  );
  return { checkpoint, replaced: before?.file ?? null };
}

function sha256Of(chunks: readonly Uint8Array[]): string {
  const hash = createHash('sha256');
  for (const chunk of chunks) hash.update(chunk);
  return hash.digest('hex');
}

/** SHA-256 of the file that these tensors make: the same for the same bits under the same names. */
export function checkpointSha256(
  tensors: Record<string, NdArray>,
  metadata: Record<string, string> = {},
): string {
  return sha256Of(safetensorsChunks(tensors, metadata));
}

function freeName(fs: FsPort, folder: RunFolder, step: number): string {
  const name = `checkpoints/${stepName(step)}`;
  if (!exists(fs, join(folder.path, `${name}.safetensors`))) return `${name}.safetensors`;
  for (let again = 1; ; again++) {
    const file = `${name}.${again}.safetensors`;
    if (!exists(fs, join(folder.path, file))) return file;
  }
}

function needSpace(fs: FsPort, folder: RunFolder, step: number, bytes: number): void {
  const free = fs.free(folder.path);
  if (free >= SPACE_FACTOR * bytes) return;
  throw new AppError(
    'disk',
    `The checkpoint at step ${step} needs ${megabytes(SPACE_FACTOR * bytes)} of free space, twice its size, and the disk has ${megabytes(free)}.`,
    { remedy: 'Free some space on this disk, then go on; what was saved before is intact.' },
  );
}

/** Drops the rows that `superseded` names; their files may go after the commit. */
export function dropSuperseded(db: Database, keep: number, pinned: readonly number[]): string[] {
  const changed = [...readJournal(db), ...readActs(db)].map((entry) => entry.applied_at_step);
  const old = superseded(readCheckpoints(db), keep, pinned, changed);
  if (old.length === 0) return [];
  const drop = db.prepare('DELETE FROM checkpoints WHERE step = ?');
  db.transaction(() => old.forEach(({ step }) => drop.run(step)));
  return old.map(({ file }) => file);
}

/**
 * The checkpoint at `step`, or the newest whole one; then `metadata['protodiff.skipped']` says
 * which newer ones could not be used and why.
 * @throws AppError not_found when there is none, bad_checkpoint naming file and reason
 */
export function loadCheckpoint(
  fs: FsPort,
  folder: RunFolder,
  rows: Checkpoint[],
  step: number | undefined,
): LoadedCheckpoint {
  const wanted = step === undefined ? [...rows].reverse() : rows.filter((row) => row.step === step);
  if (wanted.length === 0) {
    const which = step === undefined ? 'no checkpoint' : `no checkpoint at step ${step}`;
    throw new AppError('not_found', `The run ${folder.run} has ${which}.`, {
      remedy: step === undefined ? 'Start it anew.' : 'Choose one that is listed.',
    });
  }
  const skipped: AppError[] = [];
  for (const row of wanted) {
    try {
      const { tensors, metadata } = loadWhole(fs, folder, row);
      if (skipped.length > 0) metadata[SKIPPED] = skipped.map((error) => error.message).join(' ');
      return { step: row.step, tensors, metadata };
    } catch (error) {
      skipped.push(diskError(`The checkpoint ${row.file} could not be read`, error));
    }
  }
  if (skipped[0] !== undefined && skipped.length === 1) throw skipped[0];
  const reasons = skipped.map((error) => error.message).join(' ');
  throw new AppError('bad_checkpoint', reasons, {
    remedy: 'Put the file back from a copy, or use another checkpoint.',
    cause: skipped[0],
  });
}

function loadWhole(
  fs: FsPort,
  folder: RunFolder,
  row: Checkpoint,
): Pick<LoadedCheckpoint, 'tensors' | 'metadata'> {
  const bad = (reason: string, cause?: unknown): AppError =>
    new AppError('bad_checkpoint', `The checkpoint ${row.file} cannot be used: ${reason}.`, {
      remedy: 'Use an earlier checkpoint.',
      cause,
    });
  if (!exists(fs, join(folder.path, row.file))) throw bad('the file is gone');
  const size = fs.stat(join(folder.path, row.file)).size;
  if (size !== row.bytes) throw bad(`it has ${size} bytes instead of ${row.bytes}`);
  const hash = createHash('sha256');
  try {
    const loaded = readSafetensors(join(folder.path, row.file), fs, (part) => hash.update(part));
    if (hash.digest('hex') !== row.sha256)
      throw bad('its contents have changed since it was saved');
    return loaded;
  } catch (error) {
    const failure = diskError(`The checkpoint ${row.file} could not be read`, error);
    const cause = failure.cause;
    if (failure.code !== 'bad_checkpoint' || !(cause instanceof Error)) throw failure;
    throw bad(`its contents have changed since it was saved (${cause.message})`, failure);
  }
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
}
