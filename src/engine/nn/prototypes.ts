import * as tf from '@tensorflow/tfjs';
import { batchNorm, conv2d, relu } from './layers';
import { param } from './params';
import type { Params } from './params';
import type { ModelSpec } from './spec';

const ENCODER = 'prototype.f_phi.encoder';

/** Batch statistics of one BatchNorm, for its running averages. */
export interface BatchStatistics {
  name: string;
  mean: tf.Tensor;
  variance: tf.Tensor;
}

/**
 * The feature encoder: four stride-2 convolutions, two BatchNorms in train mode, global mean.
 *
 * @param x_0  [B, H, W, C] the clean images in [-1, 1]
 * @returns    features [B, dim] and the statistics of its BatchNorms
 * @source     arXiv:2508.09922, f_phi; reference behaviours 1 and 2
 */
export function encode(
  params: Params,
  x_0: tf.Tensor4D,
): { features: tf.Tensor2D; statistics: BatchStatistics[] } {
  const statistics: BatchStatistics[] = [];
  const norm = (index: number, x: tf.Tensor4D): tf.Tensor4D => {
    const name = `${ENCODER}.${index}`;
    const { y, mean, variance } = batchNorm(params, name, x);
    statistics.push({ name, mean, variance });
    return y;
  };
  let h = relu(conv2d(params, `${ENCODER}.0`, x_0, 2));
  h = relu(norm(3, conv2d(params, `${ENCODER}.2`, h, 2)));
  h = relu(norm(6, conv2d(params, `${ENCODER}.5`, h, 2)));
  h = conv2d(params, `${ENCODER}.8`, h, 2);
  return { features: tf.mean(h, [1, 2]) as tf.Tensor2D, statistics };
}

/** The bank, [K, dim]. */
export function bank(params: Params): tf.Tensor2D {
  return param<tf.Tensor2D>(params, 'prototype.prototypes');
}

/** Euclidean (not squared) distance of every feature to every prototype: [B, K]. */
export function distances(features: tf.Tensor2D, prototypes: tf.Tensor2D): tf.Tensor2D {
  const [B, D] = features.shape;
  const [K] = prototypes.shape;
  const difference = tf.sub(tf.reshape(features, [B, 1, D]), tf.reshape(prototypes, [1, K, D]));
  return tf.sqrt(tf.sum(tf.square(difference), 2)) as tf.Tensor2D;
}

/**
 * Rows of the bank by index. A product with a one-hot matrix: exact, and its gradient is a
 * product too, which every backend has.
 *
 * @param oneHot  [B, K]
 * @returns       [B, dim]
 */
export function selectPrototypes(oneHot: tf.Tensor2D, prototypes: tf.Tensor2D): tf.Tensor2D {
  return tf.matMul(oneHot, prototypes);
}

/** One-hot rows of an int32 index: [B] → [B, K] float32. */
export function oneHotOf(index: tf.Tensor1D, spec: ModelSpec): tf.Tensor2D {
  return tf.cast(tf.oneHot(index, spec.k), 'float32') as tf.Tensor2D;
}
