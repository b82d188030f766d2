import { z } from 'zod';
import { RunConfigSchema } from '../config/run-config';
import { RunId, step } from './contract-basics';

/** Where a run parted from another: its first weights are that one's checkpoint. */
export const ParentSchema = z.object({
  run: RunId,
  /** Steps completed there; the child goes on counting from it. */
  step,
  /** SHA-256 of the parent's checkpoint file. */
  sha256: z.string(),
});
export type Parent = z.infer<typeof ParentSchema>;

export const MAX_KEPT = 1000;
const tag = z.string().trim().min(1).max(40);

/** What a person made of a run. `name` is null where it has the generated one. */
export const LabelsSchema = z.object({
  name: z.string().max(120).nullable(),
  tags: z.array(tag).max(50),
  starred: z.boolean(),
  /** Steps whose checkpoints stay as long as the run: kept by a person, or parents of branches. */
  kept: z.array(step).max(MAX_KEPT).default([]),
});
export type Labels = z.infer<typeof LabelsSchema>;

/** What is left out stays; an empty name gives the generated one back. */
export const LabelChangeSchema = z.strictObject({
  name: z.string().max(120).optional(),
  tags: z.array(tag).max(50).optional(),
  starred: z.boolean().optional(),
  kept: z.array(step).max(MAX_KEPT).optional(),
});
export type LabelChange = z.infer<typeof LabelChangeSchema>;

/** Runs in the trash keep their folder's name there. */
const Trashed = z.object({
  trashed: RunId,
  name: z.string(),
  /** Unix ms. */
  deleted: z.number(),
});
export type Trashed = z.infer<typeof Trashed>;

export const runRequests = {
  'run.label': {
    input: z.strictObject({ run: RunId, change: LabelChangeSchema }),
    output: z.object({ labels: LabelsSchema }),
  },
  /**
   * Whether a checkpoint stays as long as the run; all that do are returned. `not_found` where a
   * checkpoint that is to stay has gone.
   */
  'run.keep': {
    input: z.strictObject({ run: RunId, step, keep: z.boolean() }),
    output: z.object({ kept: z.array(step) }),
  },
  /** Into the workspace's trash; `busy` while it is written. */
  'run.delete': {
    input: z.strictObject({ run: RunId }),
    output: z.object({ trashed: RunId }),
  },
  'run.restore': {
    input: z.strictObject({ trashed: RunId }),
    output: z.object({ run: RunId }),
  },
  'runs.trash': { input: z.strictObject({}), output: z.object({ trashed: z.array(Trashed) }) },
  /** One of them for good; `bytes` of the disk are free again. */
  'run.erase': {
    input: z.strictObject({ trashed: RunId }),
    output: z.object({ bytes: z.number() }),
  },
  /** All of them for good. */
  'runs.empty_trash': {
    input: z.strictObject({}),
    output: z.object({ runs: z.number(), bytes: z.number() }),
  },
  'run.copy': {
    input: z.strictObject({ run: RunId }),
    output: z.object({ run: RunId }),
  },
  /** One file, in the workspace's `exports`; its absolute path is returned. */
  'run.export': {
    input: z.strictObject({ run: RunId }),
    output: z.object({ file: z.string(), bytes: z.number() }),
  },
  /** A file that an export made, by its absolute path on the engine's machine. */
  'run.import': {
    input: z.strictObject({ file: z.string().min(1).max(4096) }),
    output: z.object({ run: RunId }),
  },
  /**
   * The checkpoint that a branch at `step` would start from, the nearest at or before it, and the
   * parent's configuration with the knobs in force there. `not_found` where there is none.
   */
  'run.branchpoint': {
    input: z.strictObject({ run: RunId, step }),
    output: z.object({ parent: ParentSchema, config: RunConfigSchema }),
  },
  /**
   * Starts a child from the parent's checkpoint at exactly `step`. `bad_config` names the settings
   * that would change the shapes of the weights; more prototypes are drawn new.
   */
  'run.branch': {
    input: z.strictObject({ run: RunId, step, config: RunConfigSchema }),
    output: z.object({ run: RunId }),
  },
} as const;
