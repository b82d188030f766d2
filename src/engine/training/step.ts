import * as tf from '@tensorflow/tfjs';
import { pdmLoss } from '../diffusion/loss';
import type { Batch } from '../diffusion/loss';
import { flatten, named, unflatten } from '../nn/flat';
import type { FlatLayout } from '../nn/flat';
import type { BatchStatistics } from '../nn/prototypes';
import type { ModelSpec } from '../nn/spec';
import { adamw } from './optimiser';

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

/** Order of the numbers that a step reports. */
export const STEP_METRICS = [
  'total',
  'diffusion',
  'contrastive',
  'align',
  'compact',
  'grad_norm',
] as const;
export type StepMetrics = Record<(typeof STEP_METRICS)[number], number>;

/** What a step carries from one to the next; all [total] but `running` [sum of BN widths · 2]. */
export const STATE_NAMES = ['params', 'm', 'v', 'ema', 'running'] as const;
export type StateName = (typeof STATE_NAMES)[number];
export type TrainState = Record<StateName, tf.Tensor>;

export type StepInputs = Record<keyof Batch, tf.Tensor> & {
  /** [STEP_SCALARS.length] */
  scalars: tf.Tensor;
};

/**
 * One training step as a pure function: loss, gradients, joint clip, AdamW, EMA, BatchNorm
 * statistics. The caller owns everything returned.
 *
 * @returns the next state; `metrics` [STEP_METRICS.length]; `index` [B] the assignments
 * @source  reference behaviour 10 for the order
 */
export function trainStep(
  spec: ModelSpec,
  layout: FlatLayout,
  variant: 'pdm' | 'spdm',
  state: TrainState,
  inputs: StepInputs,
): { state: TrainState; outputs: { metrics: tf.Tensor; index: tf.Tensor } } {
  return tf.tidy(() => {
    const scalars = tf.unstack(inputs.scalars) as tf.Scalar[];
    const scalar = (name: (typeof STEP_SCALARS)[number]): tf.Scalar => {
      const value = scalars[STEP_SCALARS.indexOf(name)];
      if (value === undefined) throw new Error(`the step lacks the scalar ${name}`);
      return value;
    };
    const batch = inputs as unknown as Batch;
    const { gradient, losses, index, running } = gradients(spec, layout, variant, state, batch, {
      tau: scalar('tau'),
      alpha: scalar('alpha'),
      beta: scalar('beta'),
    });
    const { norm, ...next } = adamw({ p: state.params, m: state.m, v: state.v }, gradient, {
      lr: scalar('lr'),
      weight_decay: scalar('weight_decay'),
      clip_grad_norm: scalar('clip_grad_norm'),
      correction_1: scalar('correction_1'),
      correction_2: scalar('correction_2'),
    });
    const rate = scalar('ema_rate');
    const ema = tf.add(tf.mul(state.ema, rate), tf.mul(next.p, tf.sub(1, rate)));
    const metrics = tf.concat1d([losses, tf.reshape(norm, [1]) as tf.Tensor1D]);
    losses.dispose();
    return {
      state: { params: next.p, m: next.m, v: next.v, ema, running },
      outputs: { metrics, index },
    };
  });
}

/**
 * Loss terms [5], the flat gradient and what the forward pass left behind; see trainStep. All
 * but `gradient` outlive an enclosing tidy: the caller disposes them.
 */
export function gradients(
  spec: ModelSpec,
  layout: FlatLayout,
  variant: 'pdm' | 'spdm',
  state: Pick<TrainState, 'params' | 'running'>,
  batch: Batch,
  weights: { tau: tf.Scalar; alpha: tf.Scalar; beta: tf.Scalar },
): { gradient: tf.Tensor; losses: tf.Tensor1D; index: tf.Tensor; running: tf.Tensor } {
  let parts: tf.Tensor1D | undefined;
  let index: tf.Tensor | undefined;
  let running: tf.Tensor | undefined;
  const views = unflatten(layout, state.params as tf.Tensor1D);
  const { grads } = tf.valueAndGrads((...list: tf.Tensor[]) => {
    const losses = pdmLoss(named(layout, list), spec, variant, batch, weights);
    const { total, diffusion, contrastive, align, compact } = losses;
    // What leaves the tape by the side must be kept, or the tape's own tidy takes it.
    parts = tf.keep(tf.stack([total, diffusion, contrastive, align, compact]) as tf.Tensor1D);
    index = tf.keep(tf.clone(losses.index));
    running = tf.keep(nextRunning(state.running, losses.statistics));
    return total;
  })(views);
  if (!parts || !index || !running) throw new Error('the loss was not evaluated');
  return { gradient: flatten(grads), losses: parts, index, running };
}

/** running ← 0.9 running + 0.1 batch, the batch's variance unbiased. */
function nextRunning(running: tf.Tensor, statistics: BatchStatistics[]): tf.Tensor {
  const batch = flatten(statistics.flatMap(({ mean, variance }) => [mean, variance]));
  return tf.add(tf.mul(running, 1 - BN_MOMENTUM), tf.mul(batch, BN_MOMENTUM));
}
