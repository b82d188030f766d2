import { z } from 'zod';
import { AppError } from '../errors';
import { KnobChangeSchema } from './knobs';
import type { KnobName } from './knobs';
import { RunConfigSchema } from './run-config';
import type { RunConfig } from './run-config';
import { ActSchema } from './surgery';
import type { Act } from './surgery';

/** Steps completed when it is made. */
const at_step = z.number().int().nonnegative();

/** Knob changes and acts on prototypes that a run makes by itself, from the step after `at_step` on. */
export const JournalPlanSchema = z
  .array(
    z.union([
      z.strictObject({ at_step, change: KnobChangeSchema }),
      z.strictObject({ at_step, act: ActSchema }),
    ]),
  )
  .max(100_000)
  .refine(
    (plan) => plan.every(({ at_step }, i) => i === 0 || at_step >= (plan[i - 1]?.at_step ?? 0)),
    'changes must stand in the order of their steps',
  );
export type JournalPlan = z.infer<typeof JournalPlanSchema>;

/** A journal as a file: with the configuration it belongs to, it gives the same run again. */
const JournalFileSchema = z.object({
  protodiff_journal: z.literal(1),
  /** The run that made these changes. */
  run: z.string().max(200),
  config: RunConfigSchema,
  changes: JournalPlanSchema,
});
export type JournalFile = Omit<z.infer<typeof JournalFileSchema>, 'protodiff_journal'>;

interface Entry {
  applied_at_step: number;
  knob: KnobName;
  value: number;
}

interface ActOf {
  applied_at_step: number;
  act: Act;
}

/** A run's journal as a plan, one change an entry, so that its replay has the same journal. */
export function planOf(entries: readonly Entry[], acts: readonly ActOf[] = []): JournalPlan {
  return [
    ...entries.map(({ applied_at_step: at_step, knob, value }) => ({
      at_step,
      change: { [knob]: value },
    })),
    ...acts.map(({ applied_at_step: at_step, act }) => ({ at_step, act })),
  ].sort((a, b) => a.at_step - b.at_step);
}

export function printJournal(run: string, config: RunConfig, changes: JournalPlan): string {
  return `${JSON.stringify({ protodiff_journal: 1, run, config, changes }, null, 2)}\n`;
}

/** @throws AppError bad_config, naming what is wrong, when the text is no journal */
export function parseJournal(json: string): JournalFile {
  const refuse = (why: string, cause?: unknown): AppError =>
    new AppError('bad_config', `The journal was not opened: ${why}.`, {
      remedy: 'Choose a file that Export in the journal has written.',
      cause,
    });
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    throw refuse('it is not whole JSON', cause);
  }
  const parsed = JournalFileSchema.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw refuse(`${issue?.path.join('.') || 'the file'}: ${issue?.message ?? 'unknown form'}`);
  }
  const { run, config, changes } = parsed.data;
  return { run, config, changes };
}
