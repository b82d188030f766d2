import * as tf from '@tensorflow/tfjs';
import { AppError } from '@shared/errors';
import type { NdArray } from '@shared/maths/ndarray';
import { toTensor } from '../backend/executable';
import type { Batch } from '../diffusion/loss';
import { cosineSchedule, linearSchedule, qCoefficients } from '../diffusion/schedule';
import type { Schedule } from '../diffusion/schedule';
import { flatLayout, flatten } from '../nn/flat';
import type { FlatLayout } from '../nn/flat';
import { imagesFromReference, weightFromReference } from '../nn/layout';
import { bufferSpecs, parameterSpecs } from '../nn/spec';
import { timeProjection, tokenTime } from '../nn/time';
import type { TrainState } from '../training/step';
import type { Chain } from './manifest';
import type { Arrays, Pack } from './pack';

/** What every comparison starts from. The caller of `subjectOf` disposes the state. */
export interface Subject {
  pack: Pack;
  schedule: Schedule;
  layout: FlatLayout;
  state: TrainState;
}

/** @throws AppError bad_checkpoint naming the weights that are missing or of another shape */
export function subjectOf(pack: Pack, weights: Arrays): Subject {
  const layout = flatLayout(parameterSpecs(pack.spec));
  return { pack, schedule: chainOf(pack.config), layout, state: stateFrom(pack, layout, weights) };
}

export function chainOf({ num_train_timesteps: T, beta_schedule, ...betas }: Chain): Schedule {
  return beta_schedule === 'linear'
    ? linearSchedule(T, betas.beta_start, betas.beta_end)
    : cosineSchedule(T);
}

function stateFrom(pack: Pack, layout: FlatLayout, weights: Arrays): TrainState {
  const problems: string[] = [];
  const find = (name: string, shape: readonly number[]): tf.Tensor => {
    const stored = weights[name];
    const value = stored && weightFromReference(stored as NdArray<Float32Array>);
    if (value?.shape.join() === shape.join()) return toTensor(value);
    problems.push(value ? `${name} is [${stored?.shape.join(', ')}]` : `${name} is missing`);
    return tf.zeros([...shape]);
  };
  return tf.tidy(() => {
    const params = flatten(layout.names.map((name, i) => find(name, layout.shapes[i] ?? [])));
    const running = flatten(
      bufferSpecs(pack.spec).flatMap(({ name, width }) => [
        find(`${name}.running_mean`, [width]),
        find(`${name}.running_var`, [width]),
      ]),
    );
    if (problems.length > 0) {
      const more = problems.length > 5 ? ` and ${problems.length - 5} more` : '';
      throw new AppError(
        'bad_checkpoint',
        `weights.safetensors does not fit config.json: ${problems.slice(0, 5).join('; ')}${more}.`,
        { remedy: 'Name a pack whose weights are of the model that its config.json describes.' },
      );
    }
    const zeros = (): tf.Tensor => tf.zeros([layout.total]);
    return { params, m: zeros(), v: zeros(), ema: tf.clone(params), running };
  });
}

/** A batch from stored tensors, keys prefixed, or null where one of them is absent; the caller disposes it. */
export function batchFrom(
  { pack, schedule }: Pick<Subject, 'pack' | 'schedule'>,
  stored: Arrays,
  prefix = '',
): Batch | null {
  const [x0, noiseImages, times] = ['x0', 'noise', 't'].map((name) => stored[prefix + name]);
  if (!x0 || !noiseImages || !times) return null;
  const t = times.data;
  const n = t.length;
  const { signal, noise } = qCoefficients(schedule, t);
  const image = (array: NdArray): tf.Tensor4D =>
    toTensor(imagesFromReference(array as NdArray<Float32Array>)) as tf.Tensor4D;
  const { dim, time_embed_dim, block_out_channels } = pack.spec;
  const channels = block_out_channels[0] ?? 0;
  const labels = stored[`${prefix}labels`]?.data ?? new Int32Array(n);
  return {
    x_0: image(x0),
    eps: image(noiseImages),
    signal: tf.tensor4d(signal, [n, 1, 1, 1]),
    noise: tf.tensor4d(noise, [n, 1, 1, 1]),
    time_proj: tf.tensor2d(timeProjection(t, channels), [n, channels]),
    token_time: tf.tensor2d(tokenTime(t, time_embed_dim, dim), [n, dim]),
    labels: tf.tensor1d(Int32Array.from(labels), 'int32'),
    loss_weight: tf.ones([n]),
    keep: tf.ones([n, 1]),
  };
}

/** Whether a variant's batch can be made: one that goes by labels needs them. */
export function labelled(variant: string, stored: Arrays, prefix = ''): boolean {
  return variant === 'pdm' || stored[`${prefix}labels`] !== undefined;
}

export function lossWeights({ config }: Pack): {
  tau: tf.Scalar;
  alpha: tf.Scalar;
  beta: tf.Scalar;
} {
  const { tau, alpha, beta } = config.prototype;
  return { tau: tf.scalar(tau), alpha: tf.scalar(alpha), beta: tf.scalar(beta) };
}
