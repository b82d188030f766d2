import { z } from 'zod';
import { ActSchema } from '../config/surgery';
import { array, progress, RunId, step } from './contract-basics';

/** A person's own name and colour for a prototype, by its number for life; an empty name and null mean the default. */
const PrototypeLabel = z.strictObject({
  prototype: z.number().int().nonnegative(),
  name: z.string().max(60),
  /** Index into the prototypes' palette. */
  colour: z.number().int().min(0).max(14).nullable(),
});
export type PrototypeLabel = z.infer<typeof PrototypeLabel>;

/**
 * How much the predicted noise changes when the prototype is swapped, at one timestep: noised
 * probe images, always the same with the same noise; weights as for the run's previews.
 */
const Swap = z.object({
  t: z.number().int().nonnegative(),
  /** mean ‖eps(x_t, t, p_i) - eps(x_t, t, p_j)‖ / ‖eps(x_t, t, p_i)‖; 0: the prototype is ignored. */
  change: z.number(),
});
export type Swap = z.infer<typeof Swap>;

/** An act on the prototypes, as the journal has it. */
export const ActEntry = z.object({
  /** Order within the run; never reused. */
  seq: z.number().int().nonnegative(),
  applied_at_step: step,
  act: ActSchema,
  /** Unix time, ms. */
  wall: z.number(),
});
export type ActEntry = z.infer<typeof ActEntry>;

export const prototypeRequests = {
  /**
   * The fixed images whose features are followed, the same in every snapshot of the run.
   * `not_found` where the run has no snapshots.
   */
  'prototypes.probe': {
    input: z.strictObject({ run: RunId }),
    output: z.object({
      index: array<Int32Array>(), // [N] position in the data set
      labels: array<Int32Array>(), // [N], or [0] where the data set has none
      classes: z.array(z.string()),
      /** [N, H, W, C] u8; [0, H, W, C] where the data set is gone or has changed since. */
      images: array<Uint8Array>(),
    }),
  },
  /** Sets one prototype's name and colour; also for a run that is not training. */
  'prototypes.label': {
    input: z.strictObject({ run: RunId, label: PrototypeLabel }),
    output: z.object({ labels: z.array(PrototypeLabel) }),
  },
  /**
   * Surgery at the next edge between two steps, journaled; of a run that trains. `not_found` for a
   * prototype that is not there, `bad_config` where the model has none or a fixed number of them,
   * `wrong_state` where the bank does not allow it now.
   */
  'prototypes.operate': {
    input: z.strictObject({ run: RunId, act: ActSchema }),
    output: z.object({ entry: ActEntry }),
  },
} as const;

export const prototypeSubscriptions = {
  /**
   * Every kept snapshot of the bank, oldest first, then each new one: one snapshot an event. One
   * of a step that came before replaces it: its `swaps` are measured after the rest.
   */
  prototypes: {
    delivery: 'lossless',
    input: z.strictObject({ run: RunId }),
    event: z.object({
      run: RunId,
      /** The history begins anew with this event: what came before it no longer holds. */
      restart: z.boolean(),
      step,
      wall: z.number(),
      ids: array<Int32Array>(), // [K] ascending: the numbers of the bank's rows, see Bank
      bank: array<Float32Array>(), // [K, D]
      features: array<Float32Array>(), // [N, D] of the probe images, stored as float16
      assignment: array<Int32Array>(), // [N] the row of the prototype each probe image is conditioned on
      usage: array<Float32Array>(), // [K] shares of the last 1,000 assignments in training
      /** How many assignments `usage` tells of: 0 before the first step, where it is all zeros. */
      assignments: z.number().int().nonnegative(),
      /** exp of the entropy of `usage`: K when all are used alike; null without assignments. */
      perplexity: z.number().nullable(),
      /** Share of the probe images whose prototype changed since the snapshot taken before. */
      churn: z.number().nullable(),
      /** Agreement of the probe images' assignments and labels; null where there are no labels. */
      purity: z.number().nullable(),
      nmi: z.number().nullable(),
      /** Does the prototype matter? Empty where it was not measured at this snapshot. */
      swaps: z.array(Swap),
    }),
  },
  prototype_labels: {
    delivery: 'latest',
    input: z.strictObject({ run: RunId }),
    event: z.object({ labels: z.array(PrototypeLabel) }),
  },
  /**
   * The training images nearest to each prototype by f_phi, over the whole data set (at most
   * 20,000 images of it, evenly taken). Work that lives as long as its subscription; the last event
   * is `done` and carries the images. Where the data set has fewer than `count`, it gives all.
   */
  exemplars: {
    delivery: 'latest',
    input: z.strictObject({ run: RunId, count: z.number().int().min(1).max(16) }),
    event: z.object({
      ...progress,
      /** Training step of the weights; null until the work begins. */
      step: step.nullable(),
      ids: array<Int32Array>(), // [K] the prototypes; [0] until the work begins
      index: array<Int32Array>(), // [K, count] positions in the data set; [K, 0] until done
      distances: array<Float32Array>(), // [K, count]
      images: array<Uint8Array>(), // [K * count, H, W, C] u8, prototype by prototype
    }),
  },
} as const;
