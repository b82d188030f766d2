import * as tf from '@tensorflow/tfjs';
import { lossOf, LOSS_TERMS, termsOf } from '../diffusion/loss';
import type { Batch, LossTerm, LossWeights, Phase } from '../diffusion/loss';
import { flatten, named, unflatten } from '../nn/flat';
import type { FlatLayout } from '../nn/flat';
import type { BatchStatistics } from '../nn/prototypes';
import { hasBank } from '../nn/spec';
import type { ModelSpec } from '../nn/spec';
import { adamw } from './optimiser';
import type { Update } from './optimiser';
import { partOf } from './part';

/** Momentum of the running BatchNorm statistics, as PyTorch's default. */
const BN_MOMENTUM = 0.1;

/** Order of the scalars that a step takes; one small tensor, so that knobs are inputs. */
export const STEP_SCALARS = [
  'lr',
  'weight_decay',
  'tau',
  'alpha',
  'beta',
  'clip_grad_norm',
  'ema_rate',
  'correction_1',
  'correction_2',
] as const;
export type StepScalars = Record<(typeof STEP_SCALARS)[number], number>;

export type StepMetric = 'total' | LossTerm | 'grad_norm';
/** Those that the model and the phase have. */
export type StepMetrics = Partial<Record<StepMetric, number>> & { total: number };

/** Order of the numbers that a step reports; a batch that is only gathered has no norm. */
export function stepMetrics(spec: ModelSpec, phase: Phase): StepMetric[] {
  return ['total', ...termsOf(spec, phase), 'grad_norm'];
}

/** What a step carries from one to the next; all [total] but `running` [sum of BN widths · 2]. */
export const STATE_NAMES = ['params', 'm', 'v', 'ema', 'running'] as const;
export type StateName = (typeof STATE_NAMES)[number];
export type TrainState = Record<StateName, tf.Tensor>;

export type StepInputs = Record<keyof Batch, tf.Tensor> & {
  /** [STEP_SCALARS.length] */
  scalars: tf.Tensor;
  /** [K, 1] zero where a prototype is frozen, else one; left out, all train. */
  trains?: tf.Tensor;
};

export interface StepModel {
  spec: ModelSpec;
  layout: FlatLayout;
  phase: Phase;
}

/**
 * One training step as a pure function: loss, gradients, joint clip, AdamW, EMA, BatchNorm
 * statistics. The caller owns everything returned. Parameters that the phase does not train
 * stay as they are, weight decay included, and so do the rows and moments of frozen prototypes;
 * their average goes on towards them.
 *
 * @param gathered  the sum of the gradients of `accumulate - 1` batches before this one
 * @returns the next state; `metrics` see stepMetrics; `index` [B] the assignments
 * @source  reference behaviour 10 for the order
 */
export function trainStep(
  model: StepModel,
  state: TrainState,
  inputs: StepInputs,
  gathered?: { sum: tf.Tensor; accumulate: number },
): { state: TrainState; outputs: { metrics: tf.Tensor; index?: tf.Tensor } } {
  return tf.tidy(() => {
    const scalar = scalarsOf(inputs);
    const batch = inputs as unknown as Batch;
    const { gradient, losses, index, running } = gradients(
      model,
      state,
      batch,
      weightsOf(scalar),
      inputs.trains,
    );
    const part = partOf(model.layout, model.phase);
    const mean = gathered
      ? tf.div(tf.add(gradient, part.cut(gathered.sum)), gathered.accumulate)
      : gradient;
    const before = { p: part.cut(state.params), m: part.cut(state.m), v: part.cut(state.v) };
    const { norm, ...moved } = adamw(before, mean, {
      lr: scalar('lr'),
      weight_decay: scalar('weight_decay'),
      clip_grad_norm: scalar('clip_grad_norm'),
      correction_1: scalar('correction_1'),
      correction_2: scalar('correction_2'),
    });
    const next =
      trainsBank(model) && inputs.trains
        ? held(before, moved, inputs.trains, model.spec.dim)
        : moved;
    const params = part.paste(state.params, next.p);
    const rate = scalar('ema_rate');
    const ema = tf.add(tf.mul(state.ema, rate), tf.mul(params, tf.sub(1, rate)));
    const metrics = tf.concat1d([losses, tf.reshape(norm, [1]) as tf.Tensor1D]);
    losses.dispose();
    return {
      state: {
        params,
        m: part.paste(state.m, next.m),
        v: part.paste(state.v, next.v),
        ema,
        running,
      },
      outputs: { metrics, ...(index && { index }) },
    };
  });
}

/**
 * One batch of a step that takes several: its gradient is added to the sum, nothing is updated
 * but the BatchNorm statistics, which see each batch by itself.
 *
 * @returns `metrics`: the losses of stepMetrics, without the norm
 */
export function gatherStep(
  model: StepModel,
  state: TrainState & { gradient: tf.Tensor },
  inputs: StepInputs,
): {
  state: { gradient: tf.Tensor; running: tf.Tensor };
  outputs: { metrics: tf.Tensor; index?: tf.Tensor };
} {
  return tf.tidy(() => {
    const { gradient, losses, index, running } = gradients(
      model,
      state,
      inputs as unknown as Batch,
      weightsOf(scalarsOf(inputs)),
      inputs.trains,
    );
    const part = partOf(model.layout, model.phase);
    const sum = part.paste(state.gradient, tf.add(part.cut(state.gradient), gradient));
    return {
      state: { gradient: sum, running },
      outputs: { metrics: losses, ...(index && { index }) },
    };
  });
}

/** The bank is then the first of what is trained (see parameterSpecs). */
function trainsBank({ spec, phase }: StepModel): boolean {
  return hasBank(spec) && phase !== 'unet';
}

/**
 * An update whose frozen rows of the bank are as they were, bit for bit: parameters, which weight
 * decay would move, and moments, which would fade. Only the bank is looked at: the vector is long.
 */
function held(before: Update, after: Update, trains: tf.Tensor, dim: number): Update {
  const size = (trains.shape[0] ?? 0) * dim;
  const moves = tf.greater(tf.reshape(tf.tile(trains, [1, dim]), [size]), 0.5);
  const places = tf.tensor2d(
    Int32Array.from({ length: size }, (_, at) => at),
    [size, 1],
  );
  const bank = (flat: tf.Tensor): tf.Tensor => tf.slice(flat, [0], [size]);
  const mixed = (name: keyof Update): tf.Tensor =>
    tf.tensorScatterUpdate(
      after[name],
      places,
      tf.where(moves, bank(after[name]), bank(before[name])),
    );
  return { p: mixed('p'), m: mixed('m'), v: mixed('v') };
}

type ScalarOf = (name: (typeof STEP_SCALARS)[number]) => tf.Scalar;

function scalarsOf(inputs: StepInputs): ScalarOf {
  const scalars = tf.unstack(inputs.scalars) as tf.Scalar[];
  return (name) => {
    const value = scalars[STEP_SCALARS.indexOf(name)];
    if (value === undefined) throw new Error(`the step lacks the scalar ${name}`);
    return value;
  };
}

function weightsOf(scalar: ScalarOf): LossWeights {
  return { tau: scalar('tau'), alpha: scalar('alpha'), beta: scalar('beta') };
}

export const weightsIn = (inputs: StepInputs): LossWeights => weightsOf(scalarsOf(inputs));

/**
 * Losses in the order of stepMetrics, the flat gradient of what the phase trains and what the
 * forward pass left behind; see trainStep. All but `gradient` outlive an enclosing tidy: the
 * caller disposes them.
 */
export function gradients(
  { spec, layout, phase }: StepModel,
  state: Pick<TrainState, 'params' | 'running'>,
  batch: Batch,
  weights: LossWeights,
  trains?: tf.Tensor,
): {
  gradient: tf.Tensor;
  losses: tf.Tensor1D;
  index: tf.Tensor | undefined;
  running: tf.Tensor;
} {
  let parts: tf.Tensor1D | undefined;
  let index: tf.Tensor | undefined;
  let running: tf.Tensor | undefined;
  const views = unflatten(layout, state.params as tf.Tensor1D);
  const { first, end } = partOf(layout, phase);
  const { grads } = tf.valueAndGrads((...list: tf.Tensor[]) => {
    const all = [...views.slice(0, first), ...list, ...views.slice(end)];
    const losses = lossOf(named(layout, all), spec, batch, weights, phase);
    const terms = LOSS_TERMS.flatMap((term) => losses.terms[term] ?? []);
    // What leaves the tape by the side must be kept, or the tape's own tidy takes it.
    parts = tf.keep(tf.stack([losses.total, ...terms]) as tf.Tensor1D);
    index = losses.index === null ? undefined : tf.keep(tf.clone(losses.index));
    running = tf.keep(nextRunning(state.running, losses.statistics));
    return losses.total;
  })(views.slice(first, end));
  if (!parts || !running) throw new Error('the loss was not evaluated');
  const [ofBank, ...rest] = grads;
  // Before the norm: what is frozen has no part in how the others are clipped.
  const kept =
    trains && ofBank && trainsBank({ spec, layout, phase })
      ? [tf.mul(ofBank, trains), ...rest]
      : grads;
  return { gradient: flatten(kept), losses: parts, index, running };
}

/** running ← 0.9 running + 0.1 batch, the batch's variance unbiased; as it was without a batch. */
function nextRunning(running: tf.Tensor, statistics: BatchStatistics[]): tf.Tensor {
  if (statistics.length === 0) return tf.clone(running);
  const batch = flatten(statistics.flatMap(({ mean, variance }) => [mean, variance]));
  return tf.add(tf.mul(running, 1 - BN_MOMENTUM), tf.mul(batch, BN_MOMENTUM));
}
