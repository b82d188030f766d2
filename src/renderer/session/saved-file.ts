import { TRAJECTORY_VIEWS } from '@shared/config/notebook';
import { parseJournal } from '@shared/config/journal';
import type { JournalFile } from '@shared/config/journal';
import {
  ConditioningSchema,
  SheetPlanSchema,
  TrajectoryPlanSchema,
} from '@shared/config/sampling-rows';
import { AppError } from '@shared/errors';
import { subscriptions } from '@shared/protocol/contract';
import { RunId, step } from '@shared/protocol/contract-basics';
import { z } from 'zod';
import { pngText } from '../components/png-text';

/** Larger files are not read: what Protodiff saves stays far below. */
export const MOST_BYTES = 64 * 1024 * 1024;

const Sheet = z.object({ run: RunId, step, plan: SheetPlanSchema });
const Sample = Sheet.extend({
  seed: SheetPlanSchema.shape.seed,
  prototypes: ConditioningSchema,
});
const Trajectories = z.object({
  run: RunId,
  plan: TrajectoryPlanSchema,
  view: z.enum(TRAJECTORY_VIEWS),
  weights_steps: z.array(step).max(1000),
});
const Preview = subscriptions.samples.event.shape.settings;

/** The settings that a saved file holds; `step` is the training step of the weights. */
export type Saved =
  | { kind: 'sheet'; run: string; step: number; plan: z.infer<typeof SheetPlanSchema> }
  | { kind: 'preview'; run: string; step: number }
  | ({ kind: 'trajectories'; run: string; step: number } & Pick<
      z.infer<typeof Trajectories>,
      'plan' | 'view'
    >)
  | { kind: 'journal'; journal: JournalFile };

/**
 * What a file that Protodiff has saved was made with: a PNG with settings in its text chunk, or
 * a journal. Only that is read of a picture, and a schema judges it; no pixel is decoded.
 *
 * @throws AppError bad_data, bad_config in a sentence
 */
export function readSaved(name: string, bytes: Uint8Array): Saved {
  if (bytes[0] === 0x7b) return { kind: 'journal', journal: parseJournal(textOf(bytes)) };
  const text = pngText(bytes, 'protodiff');
  if (text === null) {
    throw refusal(`${name} is neither a PNG nor a journal.`, 'Choose a PNG that Export has saved.');
  }
  if (text === undefined) {
    throw refusal(
      `${name} holds no settings: another program made it, or saved it again without them.`,
      'Choose the file as Protodiff has saved it.',
    );
  }
  const found = settingsIn(text);
  if (found !== undefined) return found;
  throw refusal(
    `The settings in ${name} are not such as Protodiff writes, so they were left alone.`,
    'Choose the file as Protodiff has saved it.',
  );
}

function settingsIn(text: string): Saved | undefined {
  const found = Chunk.safeParse(jsonOf(text));
  if (!found.success) return undefined;
  const { sheet, sample, trajectories, settings } = found.data;
  if (sheet) return { kind: 'sheet', ...sheet };
  if (sample) {
    const { run, step, plan, seed, prototypes } = sample;
    return { kind: 'sheet', run, step, plan: { ...plan, columns: [prototypes], seed, rows: 1 } };
  }
  if (trajectories) {
    const { run, plan, view, weights_steps } = trajectories;
    return { kind: 'trajectories', run, plan, view, step: Math.max(0, ...weights_steps) };
  }
  return settings && { kind: 'preview', run: settings.run, step: settings.step };
}

const Chunk = z.object({
  sheet: Sheet.optional(),
  sample: Sample.optional(),
  trajectories: Trajectories.optional(),
  settings: Preview.optional(),
});

/** Undefined where it is no JSON: the schema refuses that, too. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

const refusal = (message: string, remedy: string): AppError =>
  new AppError('bad_data', message, { remedy });
