import { join } from 'node:path';
import type { PrototypeLabel } from '@shared/protocol/contract-prototypes';
import { makeFolder, sweepTemporaries, syncFolder } from './atomic';
import { saveCheckpoint } from './checkpoints';
import { guarded } from './disk-error';
import { entries, exists } from './fs-port';
import type { FsPort } from './fs-port';
import { readOrigin, writeOrigin } from './origin';
import type { LoadedCheckpoint, RunOrigin } from './port';
import { writeLabel } from './prototypes';
import { processAlive, thisProcess } from './process-identity';
import { writeHeartbeat } from './records';
import { layout, runsPath } from './run-folder';
import type { RunFolder } from './run-folder';
import { newName, parseRunId, runId } from './run-name';
import { makeDurable, migrate } from './schema';
import { openDatabase } from './sqlite';

/** Colours of the run palette; the newest runs, which are compared most, differ in theirs. */
const COLOURS = 7;
const STAGING = /^\.new-(\d+)-\d+$/;
let staged = 0;

/**
 * Makes a run's folder under a temporary name and then renames it, so that no half-made run is
 * ever seen.
 */
export function createFolder(
  fs: FsPort,
  root: string,
  { config, plan, bank, parent, job, data, versions }: RunOrigin,
  created: number,
  first: LoadedCheckpoint | undefined,
  labels: readonly PrototypeLabel[],
): RunFolder {
  return guarded('The run could not be created', () => {
    const runs = runsPath(root);
    makeFolder(fs, runs);
    const ids = entries(fs, runs).map((entry) => entry.name);
    const name = newName(new Set(ids.map((id) => parseRunId(id)?.name ?? '')));
    const folder = layout(runId(created, name), join(runs, runId(created, name)));
    const staging = stagingFolder(root, folder.run);
    try {
      fs.mkdir(staging.path);
      const colour = nextColour(fs, runs, ids);
      writeOrigin(fs, staging, {
        created,
        name,
        colour,
        config,
        plan,
        bank,
        parent,
        job,
        data,
        versions,
      });
      createDatabase(fs, staging, created, first, labels);
      syncFolder(fs, staging.path);
      fs.rename(staging.path, folder.path);
      syncFolder(fs, runs);
    } catch (error) {
      removeFolder(fs, staging.path, error);
      removeFolder(fs, folder.path, error);
      throw error;
    }
    return folder;
  });
}

/** Where a run is made before it is moved in place; swept when its process has died. */
export function stagingFolder(root: string, run: string): RunFolder {
  staged += 1;
  return layout(run, join(runsPath(root), `.new-${process.pid}-${staged}`));
}

/** After `failure`; what cannot be removed either is swept at the next start. */
export function removeFolder(fs: FsPort, path: string, failure: unknown): void {
  try {
    fs.remove(path);
  } catch (error) {
    if (failure instanceof Error) failure.cause ??= error;
  }
}

function createDatabase(
  fs: FsPort,
  folder: RunFolder,
  wall: number,
  first: LoadedCheckpoint | undefined,
  labels: readonly PrototypeLabel[],
): void {
  const db = openDatabase(folder.database, false);
  try {
    makeDurable(db);
    migrate(db);
    writeHeartbeat(db, { ...thisProcess(), step: first?.step ?? 0, paused: false, wall });
    if (first !== undefined) saveCheckpoint(fs, folder, db, first.step, first, wall);
    for (const label of labels) writeLabel(db, label);
    db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  } finally {
    db.close();
  }
}

/** The first colour that none of the newest runs has. */
export function nextColour(fs: FsPort, runs: string, ids: string[]): number {
  const newest = ids
    .filter((id) => parseRunId(id) !== null)
    .sort()
    .slice(1 - COLOURS);
  const used = new Set<number>();
  for (const id of newest) {
    const folder = layout(id, join(runs, id));
    if (!exists(fs, folder.origin)) continue;
    const colour = colourOf(fs, folder);
    if (colour !== null) used.add(colour);
  }
  let colour = 0;
  while (used.has(colour)) colour += 1;
  return colour;
}

/** Null for a damaged run: it does not keep another from being created. */
function colourOf(fs: FsPort, folder: RunFolder): number | null {
  try {
    return readOrigin(fs, folder).colour;
  } catch (error) {
    if (error instanceof Error) return null;
    throw error;
  }
}

/** Removes what processes that are gone left half-made in the workspace. */
export function sweepWorkspace(fs: FsPort, root: string, notebooks: string): void {
  guarded(`The workspace ${root} could not be opened`, () => {
    const runs = runsPath(root);
    for (const entry of entries(fs, runs)) {
      const pid = Number(STAGING.exec(entry.name)?.[1]);
      if (Number.isNaN(pid)) continue;
      if (pid === process.pid || !processAlive({ pid, token: '' }))
        fs.remove(join(runs, entry.name));
    }
    sweepTemporaries(fs, notebooks);
  });
}
