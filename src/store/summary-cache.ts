import { dirname, join } from 'node:path';
import { z } from 'zod';
import { LabelsSchema, ParentSchema } from '@shared/protocol/contract-runs';
import { atomicWrite } from './atomic';
import { codeOf, statOrNull } from './fs-port';
import type { FsPort } from './fs-port';
import { labelsPath } from './labels';
import { END_STATES } from './records';
import type { RunFolder } from './run-folder';

const count = z.number().int().nonnegative();

/** All that the list of runs says about one, but for the state, which time decides too. */
const KnownSchema = z.object({
  /** Sizes and times of the files that the rest was read from: other ones make it void. */
  stamp: z.string(),
  card: z.object({
    name: z.string(),
    steps: count,
    preset: z.string(),
    data: z.string(),
    created: z.number(),
    colour: count,
    parent: ParentSchema.nullable(),
  }),
  labels: LabelsSchema,
  /** What is wrong with the labels. */
  problem: z.string().nullable(),
  facts: z.object({
    ending: z
      .object({ state: z.enum(END_STATES), problem: z.string().nullable(), step: count })
      .nullable(),
    heartbeat: z
      .object({
        pid: z.number().int(),
        token: z.string(),
        step: count,
        paused: z.boolean(),
        wall: z.number(),
      })
      .nullable(),
    step: count,
    lastCheckpoint: count.nullable(),
  }),
});
export type Known = z.infer<typeof KnownSchema>;

/** Summaries of all runs of a workspace, by id. */
export type RunIndex = Map<string, Known>;
const IndexSchema = z.object({ format: z.literal(1), runs: z.record(z.string(), KnownSchema) });

/**
 * The index that was left in the workspace's cache; empty where it cannot be used. It may be
 * deleted at any time: each entry has its stamp, and what is missing is read from the runs.
 */
export function findIndex(fs: FsPort, path: string): RunIndex {
  try {
    const { runs } = IndexSchema.parse(JSON.parse(fs.readFile(path).toString('utf8')));
    return new Map(Object.entries(runs));
  } catch (error) {
    const unusable = error instanceof SyntaxError || error instanceof z.ZodError;
    if (unusable || codeOf(error) !== '') return new Map();
    throw error;
  }
}

/** A cache: where it cannot be written the next list takes longer, and says the same. */
export function leaveIndex(fs: FsPort, path: string, runs: RunIndex): void {
  try {
    fs.mkdirs(dirname(path));
    const text = JSON.stringify({ format: 1, runs: Object.fromEntries(runs) });
    atomicWrite(fs, path, [Buffer.from(text)]);
  } catch (error) {
    if (codeOf(error) === '') throw error;
  }
}

export function stampOf(fs: FsPort, folder: RunFolder): string {
  return (
    [folder.origin, labelsPath(folder), folder.database, `${folder.database}-wal`]
      .map((path) => statOrNull(fs, path))
      // An empty log comes and goes with readers.
      .map((stat) => (stat === null || stat.size === 0 ? '-' : `${stat.size}@${stat.mtimeMs}`))
      .join(' ')
  );
}

const pathOf = (folder: RunFolder): string => join(folder.path, 'summary.json');

/**
 * Leaves the summary beside a run that is closed, so that a list of thousands need not open their
 * databases. A cache: where it cannot be written the list takes longer, and says the same.
 * @returns whether it was written
 */
export function leaveSummary(fs: FsPort, folder: RunFolder, read: () => Known): boolean {
  try {
    const known: Known = { ...read(), stamp: stampOf(fs, folder) };
    atomicWrite(fs, pathOf(folder), [Buffer.from(JSON.stringify(known))]);
    return true;
  } catch (error) {
    if (codeOf(error) === '') throw error;
    return false;
  }
}

/** The summary that was left, if it is of the files with this stamp; null else. */
export function findSummary(fs: FsPort, folder: RunFolder, stamp: string): Known | null {
  try {
    const known = KnownSchema.parse(JSON.parse(fs.readFile(pathOf(folder)).toString('utf8')));
    return known.stamp === stamp ? known : null;
  } catch (error) {
    const unusable = error instanceof SyntaxError || error instanceof z.ZodError;
    if (unusable || codeOf(error) !== '') return null;
    throw error;
  }
}
