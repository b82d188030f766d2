import * as tf from '@tensorflow/tfjs';

/**
 * Runs `work` and disposes every tensor it made and did not keep. For work that returns plain
 * values; `tf.tidy` is for work that returns tensors.
 */
export function scoped<T>(work: () => T): T {
  const engine = tf.engine();
  engine.startScope('scoped');
  try {
    return work();
  } finally {
    engine.endScope();
  }
}
