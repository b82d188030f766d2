import { join } from 'node:path';
import { AppError } from '@shared/errors';
import { MAX_KEPT } from '@shared/protocol/contract-runs';
import type { LabelChange, Labels } from '@shared/protocol/contract-runs';
import { makeFolder, syncFolder } from './atomic';
import { guarded } from './disk-error';
import { entries, exists } from './fs-port';
import type { FsPort } from './fs-port';
import { readRunLabels, writeRunLabels } from './labels';
import { lockOwner } from './lock';
import { readOrigin, writeOrigin } from './origin';
import { nextColour, removeFolder, stagingFolder } from './run-create';
import { readCheckpoints } from './records';
import { findRun, layout, runsPath } from './run-folder';
import type { RunFolder } from './run-folder';
import { newName, parseRunId, RUN_ID, runId } from './run-name';
import { readKnown, withDatabase } from './run-reader';
import { snapshotInto } from './snapshot';
import { leaveSummary } from './summary-cache';

/** What a person does with whole runs: names, tags and stars them, deletes and copies them. */
export interface Shelf {
  label(run: string, change: LabelChange): Labels;
  /**
   * Checkpoints that stay however old they get, or no longer do; returns the steps of all that stay.
   * @throws AppError not_found where one that is to stay is not there
   */
  keep(run: string, steps: readonly number[], keep: boolean): number[];
  /**
   * Moves a run into the workspace's trash; returns its name there.
   * @throws AppError busy while anyone writes it
   */
  remove(run: string): string;
  /** Puts a run back under its id. @throws AppError wrong_state where there is one of that id */
  restore(trashed: string): string;
  /** The newest deletion first. */
  trash(): { trashed: string; name: string; deleted: number }[];
  /** Deletes one run in the trash for good. @throws AppError not_found */
  erase(trashed: string): { bytes: number };
  /** Deletes all of them for good; what could not be stays there. */
  emptyTrash(): { runs: number; bytes: number };
  /** A run of its own with all that was recorded; also of one that is being written. */
  copy(run: string): string;
}

export function shelfOf(
  fs: FsPort,
  root: string,
  clock: () => number,
  needWritable: () => void,
): Shelf {
  const bin = join(root, 'trash', 'runs');
  const move = (from: string, to: string): void => {
    makeFolder(fs, join(to, '..'));
    fs.rename(from, to);
    syncFolder(fs, join(to, '..'));
    syncFolder(fs, join(from, '..'));
  };
  const label = (folder: RunFolder, change: LabelChange): Labels => {
    const labels = writeRunLabels(fs, folder, change);
    // The list need not open the database of a run that is closed for this.
    if (lockOwner(fs, folder.lock) === null) summarise(fs, folder);
    return labels;
  };
  const binned = (trashed: string): string => {
    const path = join(bin, trashed);
    if (RUN_ID.test(trashed) && exists(fs, path)) return path;
    throw new AppError('not_found', `There is no run "${trashed.slice(0, 100)}" in the trash.`, {
      remedy: 'List them with: protodiff runs trash',
    });
  };
  return {
    label: (run, change) =>
      guarded(`The run ${run} could not be renamed`, () => {
        needWritable();
        return label(findRun(fs, root, run), change);
      }),
    keep: (run, steps, keep) =>
      guarded(`The checkpoints of ${run} that stay could not be noted`, () => {
        needWritable();
        const folder = findRun(fs, root, run);
        const { kept } = readRunLabels(fs, folder).labels;
        const next = keep
          ? kept.concat(needCheckpoints(fs, folder, steps))
          : kept.filter((step) => !steps.includes(step));
        if (new Set(next).size > MAX_KEPT) throw tooMany(run);
        return label(folder, { kept: next }).kept;
      }),
    remove: (run) =>
      guarded(`The run ${run} could not be deleted`, () => {
        needWritable();
        const folder = findRun(fs, root, run);
        needIdle(fs, folder);
        const taken = new Set(entries(fs, bin).map((entry) => entry.name));
        const trashed = freeId(run, taken);
        move(folder.path, join(bin, trashed));
        return trashed;
      }),
    restore: (trashed) =>
      guarded(`The run ${trashed} could not be restored`, () => {
        needWritable();
        const from = binned(trashed);
        const to = join(runsPath(root), trashed);
        if (exists(fs, to)) {
          throw new AppError('wrong_state', `There is a run ${trashed} already.`, {
            remedy: 'Delete that one first.',
          });
        }
        move(from, to);
        return trashed;
      }),
    trash: () =>
      guarded('The deleted runs could not be listed', () =>
        entries(fs, bin)
          .filter((entry) => entry.isDirectory() && RUN_ID.test(entry.name))
          .map(({ name: trashed }) => {
            const folder = layout(trashed, join(bin, trashed));
            const own = readRunLabels(fs, folder).labels.name;
            const name = own ?? parseRunId(trashed)?.name ?? trashed;
            return { trashed, name, deleted: Math.floor(fs.stat(folder.path).ctimeMs) };
          })
          .sort((a, b) => b.deleted - a.deleted),
      ),
    erase: (trashed) =>
      guarded(`The run ${trashed} could not be deleted`, () => {
        needWritable();
        const path = binned(trashed);
        const bytes = bytesBelow(fs, path);
        fs.remove(path);
        syncFolder(fs, bin);
        return { bytes };
      }),
    emptyTrash: () =>
      guarded('The trash could not be emptied', () => {
        needWritable();
        const trashed = entries(fs, bin).filter(
          (entry) => entry.isDirectory() && RUN_ID.test(entry.name),
        );
        let bytes = 0;
        for (const { name } of trashed) {
          bytes += bytesBelow(fs, join(bin, name));
          fs.remove(join(bin, name));
        }
        if (trashed.length > 0) syncFolder(fs, bin);
        return { runs: trashed.length, bytes };
      }),
    copy: (run) =>
      guarded(`The run ${run} could not be copied`, () => {
        needWritable();
        return copyRun(fs, root, findRun(fs, root, run), clock());
      }),
  };
}

/** The steps, where the run has a checkpoint of each. */
function needCheckpoints(fs: FsPort, folder: RunFolder, steps: readonly number[]): number[] {
  const there = withDatabase(fs, folder, readCheckpoints).map(({ step }) => step);
  const gone = steps.find((step) => !there.includes(step));
  if (gone === undefined) return [...steps];
  throw new AppError('not_found', `${folder.run} has no checkpoint of step ${gone}.`, {
    remedy: there.length === 0 ? 'It has none.' : `It has those of step ${there.join(', ')}.`,
  });
}

const tooMany = (run: string): AppError =>
  new AppError('wrong_state', `${run} keeps ${MAX_KEPT} checkpoints already, which is the most.`, {
    remedy: 'Let go of others first.',
  });

function bytesBelow(fs: FsPort, folder: string): number {
  return entries(fs, folder).reduce((sum, entry) => {
    const path = join(folder, entry.name);
    return sum + (entry.isDirectory() ? bytesBelow(fs, path) : fs.stat(path).size);
  }, 0);
}

/** The first of `id`, `id-2`, `id-3`, … that is not taken. */
export function freeId(id: string, taken: ReadonlySet<string>): string {
  if (!taken.has(id)) return id;
  for (let number = 2; ; number += 1) {
    const next = `${id.slice(0, 70)}-${number}`;
    if (!taken.has(next)) return next;
  }
}

function copyRun(fs: FsPort, root: string, source: RunFolder, created: number): string {
  const runs = runsPath(root);
  const ids = entries(fs, runs).map((entry) => entry.name);
  const name = newName(new Set(ids.map((id) => parseRunId(id)?.name ?? '')));
  const to = layout(runId(created, name), join(runs, runId(created, name)));
  const staging = stagingFolder(root, to.run);
  try {
    const origin = readOrigin(fs, source);
    snapshotInto(fs, source, staging, 'copy');
    writeOrigin(fs, staging, { ...origin, created, name, colour: nextColour(fs, runs, ids) });
    const { labels } = readRunLabels(fs, source);
    const { tags, kept } = labels;
    writeRunLabels(fs, staging, { name: `${labels.name ?? origin.name}, copy`, tags, kept });
    syncFolder(fs, staging.path);
    fs.rename(staging.path, to.path);
    syncFolder(fs, runs);
    summarise(fs, to);
  } catch (error) {
    removeFolder(fs, staging.path, error);
    throw error;
  }
  return to.run;
}

/** Leaves the summary where the run can be read; a damaged one tells of that in the list. */
function summarise(fs: FsPort, folder: RunFolder): void {
  try {
    leaveSummary(fs, folder, () => readKnown(fs, folder, ''));
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
  }
}

/** Nobody may write a run that is moved. A damaged one, which nobody can open, may go. */
function needIdle(fs: FsPort, folder: RunFolder): void {
  const owner = lockOwner(fs, folder.lock);
  if (owner === null) return;
  throw new AppError('busy', `The run ${folder.run} is being written by process ${owner.pid}.`, {
    remedy: 'Stop it first.',
  });
}
