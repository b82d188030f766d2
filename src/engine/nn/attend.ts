import * as tf from '@tensorflow/tfjs';

/**
 * softmax(scale q kᵀ) v, with the fewest passes over the [n, n] matrices, which are what costs.
 *
 * Going back, the softmax needs of every row the sum D of dP · P, which is that of dO · O over few
 * channels; it is subtracted inside the product that makes dP, as a channel more. Products sum over
 * the rows of a matrix as it lies, so none is transposed but narrow ones.
 *
 * @param q, k, v  [B, heads, n, head_dim]
 * @returns        [B, heads, n, head_dim]
 * @source         Dao et al. 2022, arXiv:2205.14135, for D
 */
export function attend(q: tf.Tensor, k: tf.Tensor, v: tf.Tensor, scale: number): tf.Tensor {
  const op = tf.customGrad((qIn, kIn, vIn, save) => {
    const [k, v] = [kIn, vIn] as [tf.Tensor, tf.Tensor];
    const scaled = tf.mul(qIn as tf.Tensor, scale);
    const P = tf.softmax(tf.matMul(scaled, k, false, true)); // [B, heads, n, n]
    const O = tf.matMul(P, v);
    (save as tf.GradSaveFunc)([scaled, k, v, P, O]);
    return { value: O, gradFunc: (dO: tf.Tensor, saved: tf.Tensor[]) => back(dO, saved, scale) };
  });
  return op(q, k, v);
}

function back(dO: tf.Tensor, saved: tf.Tensor[], scale: number): tf.Tensor[] {
  const [scaled = dO, k = dO, v = dO, P = dO, O = dO] = saved;
  const D = tf.sum(tf.mul(dO, O), -1, true); // [B, heads, n, 1]
  const centred = tf.matMul(
    tf.concat([dO, tf.neg(D)], -1),
    tf.concat([v, tf.onesLike(D)], -1),
    false,
    true,
  ); // dP - D
  const dS = tf.mul(P, centred);
  const turned = (x: tf.Tensor): tf.Tensor => tf.transpose(x, [0, 1, 3, 2]);
  return [
    tf.mul(tf.matMul(dS, k), scale),
    turned(tf.matMul(scaled, dS, true)),
    turned(tf.matMul(dO, P, true)),
  ];
}
