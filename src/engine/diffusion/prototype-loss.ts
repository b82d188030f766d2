import * as tf from '@tensorflow/tfjs';
import { FAMILY } from '@shared/config/family';
import type { Params } from '../nn/params';
import { bank, distances, encode, oneHotOf, selectPrototypes } from '../nn/prototypes';
import type { BatchStatistics } from '../nn/prototypes';
import type { ModelSpec } from '../nn/spec';
import type { Watch } from '../nn/unet';
import type { Batch, LossWeights } from './loss';

export interface PrototypeLosses {
  contrastive: tf.Scalar;
  align: tf.Scalar;
  compact: tf.Scalar;
  /** What of them goes into the total. */
  total: tf.Scalar;
  /** [B] int32: the prototype of each image */
  index: tf.Tensor1D;
  statistics: BatchStatistics[];
}

/**
 * What teaches the prototypes and their encoder:
 *
 *   mean_b CE(-tau d_b, index_b) + alpha mean (f - p[index])^2 + beta sum (cos - I)^2
 *
 * with d the Euclidean distances of the features to the bank and index their argmin (or a
 * balanced share, see indexOf), which passes no gradient (PDM), or the label (variants that go by
 * labels, which have no compactness term).
 *
 * @source arXiv:2508.09922; reference behaviours 1, 8 and 9
 */
export function prototypeLosses(
  params: Params,
  spec: ModelSpec,
  batch: Pick<Batch, 'x_0' | 'labels'>,
  weights: LossWeights,
  watch: Watch,
): PrototypeLosses {
  const { features, statistics } = encode(params, batch.x_0);
  const prototypes = bank(params);
  const d = distances(features, prototypes);
  const index = indexOf(spec, d, batch.labels);
  const oneHot = oneHotOf(index, spec);
  const selected = selectPrototypes(oneHot, prototypes);
  watch('f_phi', features);
  watch('distances', d);
  watch('prototype_index', index);
  watch('selected_prototype', selected);

  const logits = tf.neg(tf.mul(d, weights.tau));
  const chosen = tf.sum(tf.mul(logits, oneHot), 1);
  const contrastive = tf.mean(tf.sub(tf.logSumExp(logits, 1), chosen)) as tf.Scalar;
  const align = tf.mean(tf.square(tf.sub(features, selected))) as tf.Scalar;
  const compact = compactness(prototypes);
  let total = tf.add(contrastive, tf.mul(align, weights.alpha)) as tf.Scalar;
  if (!FAMILY[spec.variant].labels)
    total = tf.add(total, tf.mul(compact, weights.beta)) as tf.Scalar;
  return { contrastive, align, compact, total, index, statistics };
}

/**
 * The prototype of each image, [B] int32: its label where the variant goes by labels, else by
 * distance. `nearest` is the reference's argmin.
 *
 * `balanced` shares each batch out evenly: a few rounds of Sinkhorn normalisation over what each
 * image prefers, then the best. It passes no gradient either. The reference's rule rewards
 * whichever prototype is ahead, and on untrained features one soon has every image (reference
 * behaviour 8).
 *
 * @param d  [B, K] distances
 * @source   Cuturi 2013 (Sinkhorn); Caron et al. 2020, arXiv:2006.09882, for its use on prototypes
 */
export function indexOf(spec: ModelSpec, d: tf.Tensor2D, labels: tf.Tensor1D): tf.Tensor1D {
  if (FAMILY[spec.variant].labels) return labels;
  if (spec.assignment === 'nearest') return tf.argMin(d, 1);
  // tfjs would send zeros back through argMax, which the square root of 0 (images all alike) makes NaN.
  return tf.customGrad((each) => ({
    value: balanced(each as tf.Tensor2D),
    gradFunc: () => tf.zeros(d.shape),
  }))(d) as tf.Tensor1D;
}

function balanced(d: tf.Tensor2D): tf.Tensor1D {
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
