import * as tf from '@tensorflow/tfjs';
import { param } from './params';
import type { Params } from './params';

/** TAPS[u] lists the rows of the 3-tap kernel that the row u of the 4-tap one sums. */
const TAPS = [[2], [1, 2], [0, 1], [0]];

/**
 * Nearest-neighbour enlargement by two, then a 3 x 3 convolution with bias.
 *
 * An enlarged row repeats each row of x, so the nine taps of an output pixel read only four pixels
 * of x: the whole is a transposed convolution of stride 2 whose 4 x 4 kernel sums the taps that
 * meet. It multiplies 4 times a pixel instead of 9, and the enlarged image is never made.
 *
 * @param x  [B, H, W, C]; weight [3, 3, C, D]
 * @returns  [B, 2H, 2W, D]
 */
export function doubled(params: Params, name: string, x: tf.Tensor4D): tf.Tensor4D {
  const weight = param<tf.Tensor4D>(params, `${name}.weight`);
  const [B, H, W, C] = x.shape;
  const D = weight.shape[3];
  const summed = tf.matMul(summing(), tf.reshape(weight, [9, C * D]) as tf.Tensor2D);
  const kernel = tf.reshape(tf.transpose(tf.reshape(summed, [16, C, D]), [0, 2, 1]), [4, 4, D, C]);
  const y = tf.conv2dTranspose(x, kernel as tf.Tensor4D, [B, 2 * H, 2 * W, D], 2, 'same');
  return tf.add(y, param(params, `${name}.bias`));
}

/** [16, 9]: one where a tap of the 3 x 3 kernel goes into one of the 4 x 4. */
function summing(): tf.Tensor2D {
  const rows = TAPS.flatMap((us) =>
    TAPS.map((vs) => {
      const row = new Array<number>(9).fill(0);
      for (const u of us) for (const v of vs) row[3 * u + v] = 1;
      return row;
    }),
  );
  return tf.tensor2d(rows);
}
