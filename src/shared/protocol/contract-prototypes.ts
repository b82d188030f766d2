import { z } from 'zod';
import { array, RunId, step } from './contract-basics';

/** A person's own name and colour for a prototype; an empty name and null mean the default. */
const PrototypeLabel = z.strictObject({
  prototype: z.number().int().nonnegative(),
  name: z.string().max(60),
  /** Index into the prototypes' palette. */
  colour: z.number().int().min(0).max(14).nullable(),
});
export type PrototypeLabel = z.infer<typeof PrototypeLabel>;

/** How much the predicted noise changes when the prototype is swapped, at one timestep. */
const Swap = z.object({
  t: z.number().int().nonnegative(),
  /** mean ‖eps(x_t, t, p_i) - eps(x_t, t, p_j)‖ / ‖eps(x_t, t, p_i)‖; 0: the prototype is ignored. */
  change: z.number(),
});
export type Swap = z.infer<typeof Swap>;

export const prototypeRequests = {
  /** The fixed images whose features are followed, the same in every snapshot of the run. */
  'prototypes.probe': {
    input: z.strictObject({ run: RunId }),
    output: z.object({
      index: array<Int32Array>(), // [N] position in the data set
      labels: array<Int32Array>(), // [N], or [0] where the data set has none
      classes: z.array(z.string()),
      images: array<Uint8Array>(), // [N, H, W, C] u8
    }),
  },
  'prototypes.label': {
    input: z.strictObject({ run: RunId, label: PrototypeLabel }),
    output: z.object({ labels: z.array(PrototypeLabel) }),
  },
} as const;

export const prototypeSubscriptions = {
  /** Every kept snapshot of the bank, oldest first, then each new one: one snapshot an event. */
  prototypes: {
    delivery: 'lossless',
    input: z.strictObject({ run: RunId }),
    event: z.object({
      run: RunId,
      /** The history begins anew with this event: what came before it no longer holds. */
      restart: z.boolean(),
      step,
      wall: z.number(),
      bank: array<Float32Array>(), // [K, D]
      features: array<Float32Array>(), // [N, D] of the probe images, stored as float16
      assignment: array<Int32Array>(), // [N] the prototype each probe image is conditioned on
      usage: array<Float32Array>(), // [K] shares of the last 1,000 assignments in training
      /** exp of the entropy of `usage`: K when all are used alike. */
      perplexity: z.number(),
      /** Share of the probe images whose prototype changed since the snapshot before. */
      churn: z.number().nullable(),
      /** Agreement of assignments and labels; null where there are no labels. */
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
   * The training images nearest to each prototype by f_phi, over the whole data set. Work that
   * lives as long as its subscription; the last event is `done` and carries the images.
   */
  exemplars: {
    delivery: 'latest',
    input: z.strictObject({ run: RunId, count: z.number().int().min(1).max(16) }),
    event: z.object({
      phase: z.enum(['waiting', 'working', 'done']),
      done: z.number().int().nonnegative(),
      total: z.number().int().nonnegative(),
      /** Training step of the weights; null until the work begins. */
      step: step.nullable(),
      index: array<Int32Array>(), // [K, count] positions in the data set; [0] until done
      distances: array<Float32Array>(), // [K, count]
      images: array<Uint8Array>(), // [K * count, H, W, C] u8
    }),
  },
} as const;
