import * as tf from '@tensorflow/tfjs';
import { attend } from './attend';
import { groupNorm } from './group-norm';
import { param } from './params';
import type { Params } from './params';

/**
 * 2-D convolution with bias, padded as PyTorch pads: `padding` pixels on each side.
 *
 * @param x  [B, H, W, C]; weight HWIO
 * TensorFlow's SAME pads stride-2 windows at the far side only, so such layers pad by hand;
 * the rows that no window reaches are not added.
 */
export function conv2d(
  params: Params,
  name: string,
  x: tf.Tensor4D,
  stride: 1 | 2 = 1,
): tf.Tensor4D {
  return tf.add(convolve(params, name, x, stride), param(params, `${name}.bias`));
}

/** conv2d without its bias, for a layer that adds it elsewhere. */
export function convolve(
  params: Params,
  name: string,
  x: tf.Tensor4D,
  stride: 1 | 2 = 1,
): tf.Tensor4D {
  const weight = param<tf.Tensor4D>(params, `${name}.weight`);
  const kernel = weight.shape[0];
  const padding = kernel === 1 ? 0 : 1;
  let input = x;
  let mode: 'same' | 'valid' = 'same';
  if (stride === 2) {
    const [top, bottom] = stridedPadding(x.shape[1], kernel, padding);
    const [left, right] = stridedPadding(x.shape[2], kernel, padding);
    if (!(kernel === 4 && x.shape[1] % 2 === 0 && x.shape[2] % 2 === 0)) {
      input = tf.pad4d(x, [
        [0, 0],
        [top, bottom],
        [left, right],
        [0, 0],
      ]);
      mode = 'valid';
    }
  }
  return tf.conv2d(input, weight, stride, mode);
}

/** Rows to add before and after so that windows of stride 2 fall as with symmetric padding. */
function stridedPadding(size: number, kernel: number, padding: number): [number, number] {
  const windows = Math.floor((size + 2 * padding - kernel) / 2) + 1;
  const reached = (windows - 1) * 2 + kernel - padding - size;
  return [padding, Math.max(0, reached)];
}

/** max(x, 0); the gradient is dy·sign(y), two passes instead of tfjs's five. */
export function relu<T extends tf.Tensor>(x: T): T {
  const op = tf.customGrad((input, save) => {
    const value = tf.relu(input as tf.Tensor);
    (save as tf.GradSaveFunc)([value]);
    return {
      value,
      gradFunc: (dy: tf.Tensor, [y = dy]: tf.Tensor[]) => tf.mul(dy, tf.sign(y)),
    };
  });
  return op(x) as T;
}

/** y = x Wᵀ + b; x [N, in], weight [out, in]. */
export function linear(params: Params, name: string, x: tf.Tensor2D): tf.Tensor2D {
  const weight = param<tf.Tensor2D>(params, `${name}.weight`);
  return tf.add(tf.matMul(x, weight, false, true), param(params, `${name}.bias`));
}

/**
 * BatchNorm in train mode: normalises with the batch's biased variance.
 *
 * @returns y [B, H, W, C], and the batch's mean and *unbiased* variance [C] for the running
 *          statistics (momentum 0.1), as PyTorch keeps them
 */
export function batchNorm(
  params: Params,
  name: string,
  x: tf.Tensor4D,
): { y: tf.Tensor4D; mean: tf.Tensor; variance: tf.Tensor } {
  const [B, H, W] = x.shape;
  const mean = tf.mean(x, [0, 1, 2]);
  const centred = tf.sub(x, mean);
  const variance = tf.mean(tf.square(centred), [0, 1, 2]);
  const xhat = tf.mul(centred, tf.rsqrt(tf.add(variance, 1e-5)));
  const y = tf.add(
    tf.mul(xhat, param(params, `${name}.weight`)),
    param(params, `${name}.bias`),
  ) as tf.Tensor4D;
  const n = B * H * W;
  return { y, mean, variance: tf.mul(variance, n / Math.max(1, n - 1)) };
}

/**
 * Self-attention over the H·W positions of an image, with a residual: GroupNorm, q/k/v with
 * bias, C / head_dim heads, scale 1/sqrt(head_dim), out projection.
 *
 * @param x  [B, H, W, C]; tokens in row-major order over H, W
 * @source   diffusers' Attention as UNet2DModel uses it
 */
export function selfAttention(
  params: Params,
  name: string,
  x: tf.Tensor4D,
  options: { groups: number; eps: number; head_dim: number },
): tf.Tensor4D {
  const [B, H, W, C] = x.shape;
  const heads = C / options.head_dim;
  const n = H * W;
  const normed = groupNorm(params, `${name}.group_norm`, x, options);
  // One product for q, k and v.
  const weight = (part: string): tf.Tensor2D => param(params, `${name}.${part}.weight`);
  const bias = (part: string): tf.Tensor1D => param(params, `${name}.${part}.bias`);
  const parts = ['to_q', 'to_k', 'to_v'];
  const packed = tf.add(
    tf.matMul(tf.reshape(normed, [B * n, C]), tf.concat2d(parts.map(weight), 0), false, true),
    tf.concat1d(parts.map(bias)),
  );
  const [q, k, v] = tf.unstack(
    tf.transpose(tf.reshape(packed, [B, n, 3, heads, options.head_dim]), [2, 0, 3, 1, 4]),
  ); // [B, heads, n, head_dim] each
  if (!q || !k || !v) throw new Error('attention needs q, k and v');
  const mixed = attend(q, k, v, 1 / Math.sqrt(options.head_dim)); // [B, heads, n, head_dim]
  const joined = tf.reshape(tf.transpose(mixed, [0, 2, 1, 3]), [B * n, C]) as tf.Tensor2D;
  return tf.add(x, tf.reshape(linear(params, `${name}.to_out.0`, joined), [B, H, W, C]));
}
