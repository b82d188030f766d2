import { z } from 'zod';

/**
 * The live knobs: what may change while a run trains. One table gives the defaults, the ranges,
 * the words that the inspector shows, and (below) the schema that both sides check with.
 */
export interface KnobSpec {
  label: string;
  symbol?: string;
  unit?: string;
  min: number;
  max: number;
  default: number;
  scale: 'linear' | 'log';
  integer?: boolean;
  help: string;
}

export const KNOBS = {
  lr: {
    label: 'Learning rate',
    symbol: 'lr',
    min: 1e-6,
    max: 1e-2,
    default: 1e-4,
    scale: 'log',
    help: 'Peak rate of AdamW; warm-up and cosine decay multiply it. The reference uses 1e-4.',
  },
  weight_decay: {
    label: 'Weight decay',
    symbol: 'wd',
    min: 0,
    max: 0.1,
    default: 0.01,
    scale: 'linear',
    help: 'Decoupled decay of every parameter, biases and norms included, as the reference does.',
  },
  tau: {
    label: 'Temperature',
    symbol: 'τ',
    min: 0.01,
    max: 10,
    default: 1,
    scale: 'log',
    help: 'Scales the distances in the contrastive term: the logits are −τ·distance. 1 in the reference.',
  },
  alpha: {
    label: 'Alignment weight',
    symbol: 'α',
    min: 0,
    max: 5,
    default: 1,
    scale: 'linear',
    help: 'Weight of the alignment term, which pulls features and their prototype together.',
  },
  beta: {
    label: 'Compactness weight',
    symbol: 'β',
    min: 0,
    max: 5,
    default: 1,
    scale: 'linear',
    help: 'Weight of the compactness term: a sum over K × K, so it grows with K. s-PDM ignores it.',
  },
  ema_decay: {
    label: 'EMA decay',
    min: 0.5,
    max: 0.9999,
    default: 0.999,
    scale: 'linear',
    help: 'Upper limit of the averaging rate; early steps use (1 + n) / (10 + n). Samples come from the average.',
  },
  clip_grad_norm: {
    label: 'Gradient clip',
    unit: 'norm',
    min: 0.05,
    max: 20,
    default: 1,
    scale: 'log',
    help: 'All gradients together are scaled down to this norm. 1.0 in the reference.',
  },
  sample_every: {
    label: 'Sample every',
    unit: 'steps',
    min: 10,
    max: 5000,
    default: 100,
    scale: 'log',
    integer: true,
    help: 'Steps between previews. They always start from the same fixed noise.',
  },
} as const satisfies Record<string, KnobSpec>;

export type KnobName = keyof typeof KNOBS;
export const KNOB_NAMES = Object.keys(KNOBS) as KnobName[];
export type Knobs = Record<KnobName, number>;

function knobSchema(name: KnobName): z.ZodNumber {
  const spec: KnobSpec = KNOBS[name];
  const bounded = z.number().min(spec.min).max(spec.max);
  return spec.integer ? bounded.int() : bounded;
}

const shape = Object.fromEntries(KNOB_NAMES.map((name) => [name, knobSchema(name)])) as Record<
  KnobName,
  z.ZodNumber
>;

/** Every knob, in range. */
export const KnobsSchema = z.strictObject(shape);

/** Some knobs, in range, at least one: the body of a live change. */
export const KnobChangeSchema = z
  .strictObject(shape)
  .partial()
  .refine((change) => Object.keys(change).length > 0, 'name at least one knob');
export type KnobChange = Partial<Knobs>;

export const DEFAULT_KNOBS = Object.fromEntries(
  KNOB_NAMES.map((name) => [name, KNOBS[name].default]),
) as Knobs;
