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

export const runRequests = {
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
