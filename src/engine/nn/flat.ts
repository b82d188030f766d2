import * as tf from '@tensorflow/tfjs';
import { sizeOf } from '@shared/maths/ndarray';
import type { Params } from './params';
import type { ParameterSpec } from './spec';

/**
 * All parameters in one vector, so that the optimiser, the average and a checkpoint each touch
 * one array; the network sees views of it by name.
 */
export interface FlatLayout {
  names: string[];
  shapes: number[][];
  sizes: number[];
  /** Parameters in all. */
  total: number;
}

export function flatLayout(specs: ParameterSpec[]): FlatLayout {
  const sizes = specs.map((spec) => sizeOf(spec.shape));
  return {
    names: specs.map((spec) => spec.name),
    shapes: specs.map((spec) => spec.shape),
    sizes,
    total: sizes.reduce((sum, size) => sum + size, 0),
  };
}

/**
 * [total] → the list of parameters in layout order. Slices, not one split: a slice that begins and
 * ends at a multiple of 64 bytes is a view in a graph, and nearly all do; a split copies.
 */
export function unflatten(layout: FlatLayout, flat: tf.Tensor1D): tf.Tensor[] {
  let begin = 0;
  return layout.sizes.map((size, index) => {
    const part = tf.slice(flat, [begin], [size]);
    begin += size;
    return tf.reshape(part, layout.shapes[index] ?? []);
  });
}

export function named(layout: FlatLayout, list: tf.Tensor[]): Params {
  return Object.fromEntries(list.map((value, index) => [layout.names[index] ?? '', value]));
}

export function flatten(list: tf.Tensor[]): tf.Tensor1D {
  return tf.concat1d(list.map((value) => tf.reshape(value, [value.size]) as tf.Tensor1D));
}
