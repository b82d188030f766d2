import * as tf from '@tensorflow/tfjs';
import { attendsToAll } from '@shared/config/family';
import { conditionFrom } from '../nn/condition';
import type { Params } from '../nn/params';
import { oneHotOf } from '../nn/prototypes';
import type { BatchStatistics } from '../nn/prototypes';
import { hasBank } from '../nn/spec';
import type { ModelSpec } from '../nn/spec';
import { unet } from '../nn/unet';
import type { Watch } from '../nn/unet';
import { epsErrors, targetOf } from './prediction';
import { prototypeLosses } from './prototype-loss';

/** One batch, every random draw already made. */
export interface Batch {
  /** [B, H, W, C] clean images in [-1, 1] */
  x_0: tf.Tensor4D;
  /** [B, H, W, C] standard normal */
  eps: tf.Tensor4D;
  /** [B, 1, 1, 1] sqrt(alphas_cumprod[t]) */
  signal: tf.Tensor4D;
  /** [B, 1, 1, 1] sqrt(1 - alphas_cumprod[t]) */
  noise: tf.Tensor4D;
  /** [B, block_out_channels[0]] */
  time_proj: tf.Tensor2D;
  /** [B, dim] */
  token_time: tf.Tensor2D;
  /** [B] int32; the class of each image; PDM and DDPM ignore it */
  labels: tf.Tensor1D;
  /** [B] weight of each image's error, see lossWeights; unused where the spec is not weighted */
  loss_weight: tf.Tensor1D;
  /** [B, 1] zero where an image trains without its condition; unused without dropout */
  keep: tf.Tensor2D;
}

/** Scalars, so that a captured step can take new values without being captured again. */
export interface LossWeights {
  tau: tf.Scalar;
  alpha: tf.Scalar;
  beta: tf.Scalar;
}

/**
 * What a step trains. joint: all at once. prototypes: encoder and bank by their own loss. unet:
 * the UNet, the bank as it is. ProtoDiffusion does the two after each other.
 */
export type Phase = 'joint' | 'prototypes' | 'unet';

/** The phases of a model's training, in their order. */
export function phasesOf({ variant }: Pick<ModelSpec, 'variant'>): Phase[] {
  return variant === 'protodiffusion' ? ['prototypes', 'unet'] : ['joint'];
}

export const LOSS_TERMS = ['diffusion', 'contrastive', 'align', 'compact'] as const;
export type LossTerm = (typeof LOSS_TERMS)[number];

export interface Losses {
  total: tf.Scalar;
  /** Those that this model and phase have. */
  terms: Partial<Record<LossTerm, tf.Scalar>>;
  /** [B] of each image, mean over its pixels of (eps_hat - eps)^2; absent where no UNet is trained */
  errors?: tf.Tensor1D;
  /** [B] int32: the prototype or class of each image; null without conditioning */
  index: tf.Tensor1D | null;
  statistics: BatchStatistics[];
}

/** Terms that a model has in a phase, in the order in which they are reported. */
export function termsOf(spec: Pick<ModelSpec, 'variant'>, phase: Phase): LossTerm[] {
  const learning = hasBank(spec) && phase !== 'unet';
  return LOSS_TERMS.filter((term) => (term === 'diffusion' ? phase !== 'prototypes' : learning));
}

/**
 * The objective of a phase: mean (eps_hat - eps)^2, or its weighted form where the spec is
 * weighted (see lossWeights), and the prototypes' own losses.
 *
 * The recorded `diffusion` is mean (eps_hat - eps)^2 whatever is weighted in the total and
 * whatever the UNet puts out, so that curves compare.
 */
export function lossOf(
  params: Params,
  spec: ModelSpec,
  batch: Batch,
  weights: LossWeights,
  phase: Phase = 'joint',
  watch: Watch = () => undefined,
): Losses {
  const learned =
    hasBank(spec) && phase !== 'unet'
      ? prototypeLosses(params, spec, batch, weights, watch)
      : undefined;
  const index = spec.variant === 'ddpm' ? null : (learned?.index ?? batch.labels);
  const { contrastive, align, compact, total: ofPrototypes, statistics = [] } = learned ?? {};
  const own = contrastive && align && compact ? { contrastive, align, compact } : {};
  if (phase === 'prototypes') {
    if (ofPrototypes === undefined) throw new Error(`${spec.variant} has no prototypes to train`);
    return { total: ofPrototypes, terms: own, index, statistics };
  }
  const { objective, diffusion, errors } = diffusionLoss(params, spec, batch, index, watch);
  const total = ofPrototypes ? (tf.add(objective, ofPrototypes) as tf.Scalar) : objective;
  return { total, terms: { diffusion, ...own }, errors, index, statistics };
}

function diffusionLoss(
  params: Params,
  spec: ModelSpec,
  batch: Batch,
  index: tf.Tensor1D | null,
  watch: Watch,
): { objective: tf.Scalar; diffusion: tf.Scalar; errors: tf.Tensor1D } {
  const condition = conditionFrom(params, spec, sharesOf(spec, batch, index), batch.token_time);
  if (condition.kind === 'token') watch('prototype_token', condition.token);
  const x_t = tf.add(
    tf.mul(batch.x_0, batch.signal),
    tf.mul(batch.eps, batch.noise),
  ) as tf.Tensor4D;
  watch('x_t', x_t);
  const output = unet(params, spec, { x_t, time_proj: batch.time_proj, condition }, watch);
  const errors = tf.mean(
    tf.square(tf.sub(output, targetOf(spec.prediction, batch))),
    [1, 2, 3],
  ) as tf.Tensor1D;
  const ofEps = epsErrors(spec.prediction, errors, batch);
  const diffusion = tf.mean(ofEps) as tf.Scalar;
  const objective = spec.weighted
    ? (tf.mean(tf.mul(errors, batch.loss_weight)) as tf.Scalar)
    : diffusion;
  return { objective, diffusion, errors: ofEps };
}

/** [B, K]: each image's share of each prototype or class, zeros where its condition is dropped. */
function sharesOf(
  spec: ModelSpec,
  { keep, x_0 }: Batch,
  index: tf.Tensor1D | null,
): tf.Tensor2D | undefined {
  if (index === null) return undefined;
  const shares = attendsToAll(spec)
    ? (tf.fill([x_0.shape[0], spec.k], 1 / spec.k) as tf.Tensor2D)
    : oneHotOf(index, spec);
  return spec.dropout ? tf.mul(shares, keep) : shares;
}
