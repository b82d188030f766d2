import type * as tf from '@tensorflow/tfjs';

type Postpone = (x: tf.Tensor, until: tf.Tensor) => tf.Tensor;
let recorded: Postpone | null = null;

/**
 * x, for what is to be computed from it only once `until` is there: a graph would compute it as
 * soon as x is, and hold the result through a whole step. Op by op it is x itself.
 */
export function postponed(x: tf.Tensor, until: tf.Tensor): tf.Tensor {
  return recorded === null ? x : recorded(x, until);
}

/** How a step that is being traced writes it down; null when it is done. */
export function recordPostponed(postpone: Postpone | null): void {
  recorded = postpone;
}
