import { createRequire } from 'node:module';
import type * as TensorFlow from '@tensorflow/tfjs';

export type Tf = typeof TensorFlow;

/** Loads packages at run time, from beside the built file: TensorFlow.js is never bundled. */
export const requirePackage = createRequire(import.meta.url);

/** tfjs itself, without a backend chosen; prod mode silences its advice on the console. */
export function loadTf(): Tf {
  const tf = requirePackage('@tensorflow/tfjs') as Tf;
  tf.enableProdMode();
  return tf;
}

/** Multiplies two small matrices, so that a backend that loads but cannot compute is found out. */
export function checkOneOp(tf: Tf): void {
  const values = tf.tidy(() => tf.matMul(tf.tensor2d([1, 2, 3, 4], [2, 2]), tf.ones([2, 2])));
  const text = values.dataSync().join(' ');
  values.dispose();
  if (text !== '3 3 7 7') throw new Error(`a 2 x 2 product came out as ${text}`);
}
