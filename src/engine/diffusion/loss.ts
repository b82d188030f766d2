import * as tf from '@tensorflow/tfjs';
import type { Params } from '../nn/params';
import { bank, distances, encode, oneHotOf, selectPrototypes } from '../nn/prototypes';
import type { BatchStatistics } from '../nn/prototypes';
import type { ModelSpec } from '../nn/spec';
import { unet } from '../nn/unet';
import type { Watch } from '../nn/unet';
import { epsErrors, targetOf } from './prediction';

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
  /** [B] int32; the class of each image for s-PDM, ignored by PDM */
  labels: tf.Tensor1D;
  /** [B] weight of each image's error, see lossWeights; unused where the spec is not weighted */
  loss_weight: tf.Tensor1D;
}

/** Scalars, so that a captured step can take new values without being captured again. */
export interface LossWeights {
  tau: tf.Scalar;
  alpha: tf.Scalar;
  beta: tf.Scalar;
}

export interface Losses {
  total: tf.Scalar;
  /** mean (eps_hat - eps)^2, whatever is weighted in the total, so that curves compare. */
  diffusion: tf.Scalar;
  contrastive: tf.Scalar;
  align: tf.Scalar;
  compact: tf.Scalar;
  /** [B] of each image, mean over its pixels of (eps_hat - eps)^2 */
  errors: tf.Tensor1D;
  /** [B] int32: the prototype each image was conditioned on */
  index: tf.Tensor1D;
  statistics: BatchStatistics[];
}

/**
 * The PDM objective.
 *
 *   total = mean (eps_hat - eps)^2
 *         + mean_b CE(-tau d_b, index_b) + alpha mean (f - p[index])^2 + beta sum (cos - I)^2
 *
 * with d the Euclidean distances of the features to the bank and index their argmin (or a balanced
 * share, see assign), which passes no gradient (PDM), or the label (s-PDM, which has no compactness term).
 * With a weighted spec the first term of the total has the batch's weights (see lossWeights).
 *
 * @source arXiv:2508.09922; reference behaviours 1, 8 and 9
 */
export function pdmLoss(
  params: Params,
  spec: ModelSpec,
  variant: 'pdm' | 'spdm',
  batch: Batch,
  weights: LossWeights,
  watch: Watch = () => undefined,
): Losses {
  const { features, statistics } = encode(params, batch.x_0);
  const prototypes = bank(params);
  const d = distances(features, prototypes);
  const index = assign(spec, variant, d, batch.labels);
  const oneHot = oneHotOf(index, spec);
  const selected = selectPrototypes(oneHot, prototypes);
  const token = tf.add(selected, batch.token_time) as tf.Tensor2D;
  watch('f_phi', features);
  watch('distances', d);
  watch('prototype_index', index);
  watch('selected_prototype', selected);
  watch('prototype_token', token);

  const x_t = tf.add(
    tf.mul(batch.x_0, batch.signal),
    tf.mul(batch.eps, batch.noise),
  ) as tf.Tensor4D;
  watch('x_t', x_t);
  const output = unet(params, spec, { x_t, time_proj: batch.time_proj, token }, watch);
  const errors = tf.mean(
    tf.square(tf.sub(output, targetOf(spec.prediction, batch))),
    [1, 2, 3],
  ) as tf.Tensor1D;
  const ofEps = epsErrors(spec.prediction, errors, batch);
  const diffusion = tf.mean(ofEps) as tf.Scalar;
  const objective = spec.weighted ? tf.mean(tf.mul(errors, batch.loss_weight)) : diffusion;

  const logits = tf.neg(tf.mul(d, weights.tau));
  const chosen = tf.sum(tf.mul(logits, oneHot), 1);
  const contrastive = tf.mean(tf.sub(tf.logSumExp(logits, 1), chosen)) as tf.Scalar;
  const align = tf.mean(tf.square(tf.sub(features, selected))) as tf.Scalar;
  const compact = compactness(prototypes);
  let total = tf.add(tf.add(objective, contrastive), tf.mul(align, weights.alpha)) as tf.Scalar;
  if (variant === 'pdm') total = tf.add(total, tf.mul(compact, weights.beta)) as tf.Scalar;
  return { total, diffusion, contrastive, align, compact, errors: ofEps, index, statistics };
}

/**
 * The prototype of each image. `nearest` is the reference's argmin; s-PDM takes the label.
 *
 * `balanced` shares each batch out evenly: a few rounds of Sinkhorn normalisation over what each
 * image prefers, then the best. It passes no gradient either. The reference's rule rewards
 * whichever prototype is ahead, and on untrained features one soon has every image (reference
 * behaviour 8).
 *
 * @param d  [B, K] distances
 * @source   Cuturi 2013 (Sinkhorn); Caron et al. 2020, arXiv:2006.09882, for its use on prototypes
 */
export function assign(
  spec: ModelSpec,
  variant: 'pdm' | 'spdm',
  d: tf.Tensor2D,
  labels: tf.Tensor1D,
): tf.Tensor1D {
  if (variant === 'spdm') return labels;
  if (spec.assignment === 'nearest') return tf.argMin(d, 1);
  const preference = tf.sub(tf.mean(d, 0, true), d); // above 0: nearer than this batch usually is
  const spread = tf.add(tf.sqrt(tf.mean(tf.square(preference))), 1e-12);
  let share = tf.exp(tf.mul(tf.div(preference, spread), SHARPNESS));
  for (let round = 0; round < SINKHORN_ROUNDS; round++) {
    share = tf.div(share, tf.sum(share, 0, true));
    share = tf.div(share, tf.sum(share, 1, true));
  }
  return tf.argMax(share, 1);
}

const SINKHORN_ROUNDS = 3;
/** Preferences in standard deviations are multiplied by this before they are exponentiated. */
const SHARPNESS = 4;

/** Sum over K x K, diagonal included, of (cosine similarity - identity)^2. */
function compactness(prototypes: tf.Tensor2D): tf.Scalar {
  const norm = tf.maximum(tf.sqrt(tf.sum(tf.square(prototypes), 1, true)), 1e-12);
  const unit = tf.div(prototypes, norm) as tf.Tensor2D;
  const similarity = tf.matMul(unit, unit, false, true);
  return tf.sum(tf.square(tf.sub(similarity, tf.eye(prototypes.shape[0])))) as tf.Scalar;
}
