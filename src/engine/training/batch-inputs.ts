import type { RunConfig } from '@shared/config/run-config';
import { ndarray } from '@shared/maths/ndarray';
import type { NdArray } from '@shared/maths/ndarray';
import type { Batch } from '../diffusion/loss';
import { qCoefficients } from '../diffusion/schedule';
import type { Schedule } from '../diffusion/schedule';
import { lossWeights } from '../diffusion/weighting';
import type { ModelSpec } from '../nn/spec';
import { timeProjection, tokenTime } from '../nn/time';

export interface Draws {
  /** [B, H, W, C] in [-1, 1] */
  x_0: Float32Array;
  /** [B, H, W, C] standard normal */
  eps: Float32Array;
  /** [B] timesteps */
  t: Int32Array;
  /** [B] */
  labels: Int32Array;
  /** [B] zero where an image goes without its condition; one for all by default */
  keep?: Float32Array;
}

/** What the device is handed for a batch whose images, noise and timesteps are chosen. */
export function batchInputs(
  { data: { image_size: size, channels }, training }: RunConfig,
  spec: ModelSpec,
  schedule: Schedule,
  { x_0, eps, t, labels, keep }: Draws,
): Record<keyof Batch, NdArray> {
  const B = t.length;
  const image = [B, size, size, channels];
  const { signal, noise } = qCoefficients(schedule, t);
  const width = spec.block_out_channels[0] ?? 0;
  return {
    x_0: ndarray(x_0, image),
    eps: ndarray(eps, image),
    signal: ndarray(signal, [B, 1, 1, 1]),
    noise: ndarray(noise, [B, 1, 1, 1]),
    time_proj: ndarray(timeProjection(t, width), [B, width]),
    token_time: ndarray(tokenTime(t, spec.time_embed_dim, spec.dim), [B, spec.dim]),
    labels: ndarray(labels, [B]),
    loss_weight: ndarray(lossWeights(training, spec.prediction, schedule, t), [B]),
    keep: ndarray(keep ?? new Float32Array(B).fill(1), [B, 1]),
  };
}
