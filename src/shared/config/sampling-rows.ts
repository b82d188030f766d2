import { z } from 'zod';
import { RunId } from '../protocol/contract-basics';
import { choicesOf } from './family';
import { MAX_GUIDANCE, SamplingConfigSchema } from './run-config';
import type { RunConfig } from './run-config';

const Prototype = z.number().int().nonnegative();
const Part = z.strictObject({
  prototype: Prototype,
  /** Any scale: the parts' shares are their weights over the sum of them. */
  weight: z.number().min(0).max(1000),
});

/**
 * What conditions an image: one prototype, two or three mixed by their weights, none = drawn at
 * each step. Earlier notebooks name prototypes alone, which weigh the same.
 */
export const ConditioningSchema = z
  .array(z.union([Part, Prototype.transform((prototype) => ({ prototype, weight: 1 }))]))
  .max(3)
  .refine(
    (parts) => parts.length === 0 || parts.some(({ weight }) => weight > 0),
    'one weight must be above 0',
  );
export type Conditioning = z.infer<typeof ConditioningSchema>;

/** Prototypes that weigh the same. */
export const alike = (...prototypes: number[]): Conditioning =>
  prototypes.map((prototype) => ({ prototype, weight: 1 }));

/** Each part's share; shares sum to 1. */
export function sharesOf(parts: Conditioning): number[] {
  const sum = parts.reduce((total, { weight }) => total + weight, 0);
  return parts.map(({ weight }) => weight / sum);
}

export const WeightsSchema = SamplingConfigSchema.shape.weights;
export const SamplerNameSchema = SamplingConfigSchema.shape.sampler;
export type SamplerName = z.infer<typeof SamplerNameSchema>;

export const SAMPLER_TITLES: Record<SamplerName, string> = {
  ddim: 'DDIM',
  ddpm: 'DDPM',
  dpmpp_2m: 'DPM-Solver++ 2M',
  euler: 'Euler (EDM)',
  heun: 'Heun (EDM)',
};

/** One row of a trajectory grid: what differs from row to row. */
export const TrajectoryRowSchema = z.strictObject({
  prototypes: ConditioningSchema,
  weights: WeightsSchema,
  sampler: SamplerNameSchema,
  /** Training step of a stored checkpoint; null = the live weights, or the newest checkpoint. */
  checkpoint: z.number().int().nonnegative().nullable(),
  /** Another run, of the same image shape and timesteps; null = the run that is viewed. */
  run: RunId.nullable().default(null),
  guidance: SamplingConfigSchema.shape.guidance,
});
export type TrajectoryRow = z.infer<typeof TrajectoryRowSchema>;

/** Whether images of two runs can stand side by side: one shape, and timesteps that mean the same. */
export function comparable(a: RunConfig, b: RunConfig): boolean {
  return (
    a.data.image_size === b.data.image_size &&
    a.data.channels === b.data.channels &&
    a.diffusion.timesteps === b.diffusion.timesteps
  );
}

/** A typed guidance within its range; undefined where it is no number. */
export function guidanceFrom(value: number): number | undefined {
  return Number.isFinite(value) ? Math.min(MAX_GUIDANCE, Math.max(0, value)) : undefined;
}

export const MAX_ROWS = 24;
export const MAX_COLUMNS = 32;

/** How a grid of trajectories is made, its run left out. */
export const TrajectoryPlanSchema = z.strictObject({
  rows: z.array(TrajectoryRowSchema).min(1).max(MAX_ROWS),
  /** Of x_T, the same in every row, and of the noise that a stochastic sampler adds. */
  seed: SamplingConfigSchema.shape.seed,
  /** Points of the way that are shown, the finished image not counted. */
  columns: z.number().int().min(2).max(MAX_COLUMNS),
  steps: SamplingConfigSchema.shape.steps,
  eta: SamplingConfigSchema.shape.eta,
});
export type TrajectoryPlan = z.infer<typeof TrajectoryPlanSchema>;

/** How a contact sheet is made: a prototype a column, a starting noise a row. */
export const SheetPlanSchema = z.strictObject({
  columns: z.array(ConditioningSchema).min(1).max(64),
  /** First of `rows` consecutive seeds. */
  seed: SamplingConfigSchema.shape.seed,
  rows: z.number().int().min(1).max(32),
  weights: WeightsSchema,
  sampler: SamplerNameSchema,
  steps: SamplingConfigSchema.shape.steps,
  eta: SamplingConfigSchema.shape.eta,
  checkpoint: TrajectoryRowSchema.shape.checkpoint,
  guidance: TrajectoryRowSchema.shape.guidance,
});
export type SheetPlan = z.infer<typeof SheetPlanSchema>;

/**
 * The rows that a grid starts with: the first prototypes (or classes), all else alike. A model
 * without any gets one row that names none.
 *
 * @param choices  their numbers, or how many there are from 0 on
 */
export function prototypeRows(
  choices: number | readonly number[],
  sampler: SamplerName,
  most = 6,
): TrajectoryRow[] {
  return firstOf(typeof choices === 'number' ? upTo(choices) : choices, most).map((prototypes) => ({
    prototypes,
    weights: 'ema',
    sampler,
    checkpoint: null,
    run: null,
    guidance: 1,
  }));
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, choice) => choice);

function firstOf(choices: readonly number[], most: number): Conditioning[] {
  return choices.length === 0 ? [[]] : choices.slice(0, most).map((choice) => alike(choice));
}

/** Every prototype of the bank (`choices`: their numbers) by four seeds, otherwise as the run's own previews are made. */
export function sheetPlanFor(
  { model, sampling }: RunConfig,
  choices: readonly number[] = upTo(choicesOf(model)),
): SheetPlan {
  const { sampler, steps, seed, eta, weights, guidance } = sampling;
  const columns = firstOf(choices, 64);
  return { columns, seed, rows: 4, weights, sampler, steps, eta, guidance, checkpoint: null };
}
