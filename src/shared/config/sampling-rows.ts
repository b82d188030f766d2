import { z } from 'zod';
import { SamplingConfigSchema } from './run-config';
import type { RunConfig } from './run-config';

/** Which prototypes condition an image: one, the mean of two or three, none = drawn at each step. */
export const ConditioningSchema = z.array(z.number().int().nonnegative()).max(3);

export const WeightsSchema = SamplingConfigSchema.shape.weights;
export const SamplerNameSchema = SamplingConfigSchema.shape.sampler;
export type SamplerName = z.infer<typeof SamplerNameSchema>;

export const SAMPLER_TITLES: Record<SamplerName, string> = {
  ddim: 'DDIM',
  ddpm: 'DDPM',
  dpmpp_2m: 'DPM-Solver++ 2M',
};

/** One row of a trajectory grid: what differs from row to row. */
export const TrajectoryRowSchema = z.strictObject({
  prototypes: ConditioningSchema,
  weights: WeightsSchema,
  sampler: SamplerNameSchema,
  /** Training step of a stored checkpoint; null = the live weights, or the newest checkpoint. */
  checkpoint: z.number().int().nonnegative().nullable(),
});
export type TrajectoryRow = z.infer<typeof TrajectoryRowSchema>;

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
});
export type SheetPlan = z.infer<typeof SheetPlanSchema>;

/** The rows that a grid starts with: the first prototypes of the bank, all else alike. */
export function prototypeRows(k: number, sampler: SamplerName, most = 6): TrajectoryRow[] {
  return Array.from({ length: Math.min(k, most) }, (_, prototype) => ({
    prototypes: [prototype],
    weights: 'ema',
    sampler,
    checkpoint: null,
  }));
}

/** Every prototype of the bank by four seeds, otherwise as the run's own previews are made. */
export function sheetPlanFor({ model, sampling }: RunConfig): SheetPlan {
  const { sampler, steps, seed, eta, weights } = sampling;
  const columns = Array.from({ length: Math.min(model.k, 64) }, (_, prototype) => [prototype]);
  return { columns, seed, rows: 4, weights, sampler, steps, eta, checkpoint: null };
}
