import * as tf from '@tensorflow/tfjs';

/** Parameters (and BatchNorm statistics) by their name in the reference's state dict. */
export type Params = Record<string, tf.Tensor>;

/** The tensor of that name; a missing one is a bug in the spec, so it throws by name. */
export function param<T extends tf.Tensor>(params: Params, name: string): T {
  const value = params[name];
  if (value === undefined) throw new Error(`no parameter named ${name}`);
  return value as T;
}

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
  return tf.add(tf.conv2d(input, weight, stride, mode), param(params, `${name}.bias`));
}

/** Rows to add before and after so that windows of stride 2 fall as with symmetric padding. */
function stridedPadding(size: number, kernel: number, padding: number): [number, number] {
  const windows = Math.floor((size + 2 * padding - kernel) / 2) + 1;
  const reached = (windows - 1) * 2 + kernel - padding - size;
  return [padding, Math.max(0, reached)];
}

/** y = x Wᵀ + b; x [N, in], weight [out, in]. */
export function linear(params: Params, name: string, x: tf.Tensor2D): tf.Tensor2D {
  const weight = param<tf.Tensor2D>(params, `${name}.weight`);
  return tf.add(tf.matMul(x, weight, false, true), param(params, `${name}.bias`));
}

/** x · sigmoid(x), with one pass less going back than the composed gradient. */
export function silu<T extends tf.Tensor>(x: T): T {
  const op = tf.customGrad((input, save) => {
    const value = input as tf.Tensor;
    const gate = tf.sigmoid(value);
    (save as tf.GradSaveFunc)([value, gate]);
    return {
      value: tf.mul(value, gate),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const [input = dy, gate = dy] = saved;
        // d/dx x·s = s·(1 + x·(1 - s)) = s + y·(1 - s)
        return tf.mul(dy, tf.mul(gate, tf.add(tf.mul(input, tf.sub(1, gate)), 1)));
      },
    };
  });
  return op(x) as T;
}

/**
 * GroupNorm over [B, H, W, C], channels in `groups` runs of C / groups.
 *
 * Written as y = x·scale + shift with scale and shift per image and channel, so that the large
 * tensor is read few times: sums over the image first, then over the few channels of a group.
 * The gradient has the same form: dx = dy·scale + x·c1 + c2.
 *
 * @source Wu & He 2018, arXiv:1803.08494; biased variance, as PyTorch
 */
export function groupNorm(
  params: Params,
  name: string,
  x: tf.Tensor4D,
  groups: number,
  eps: number,
): tf.Tensor4D {
  const [B, H, W, C] = x.shape;
  const n = (H * W * C) / groups;
  // [B, C] -> its group's total, spread back over the group's channels: [B, C]
  const overGroup = (v: tf.Tensor): tf.Tensor => {
    const total = tf.sum(tf.reshape(v, [B, groups, C / groups]), 2, true);
    return tf.reshape(tf.mul(total, tf.ones([1, 1, C / groups])), [B, C]);
  };
  const spread = (v: tf.Tensor): tf.Tensor => tf.reshape(v, [B, 1, 1, C]);

  const op = tf.customGrad((xIn, gIn, bIn, save) => {
    const x = xIn as tf.Tensor4D;
    const gamma = gIn as tf.Tensor1D;
    const mean = tf.div(overGroup(tf.sum(x, [1, 2])), n);
    const square = tf.div(overGroup(tf.sum(tf.square(x), [1, 2])), n);
    const rstd = tf.rsqrt(tf.add(tf.relu(tf.sub(square, tf.square(mean))), eps));
    const scale = tf.mul(rstd, gamma);
    const shift = tf.sub(bIn as tf.Tensor1D, tf.mul(mean, scale));
    (save as tf.GradSaveFunc)([x, gamma, mean, rstd]);
    return {
      value: tf.add(tf.mul(x, spread(scale)), spread(shift)),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const [x = dy, gamma = dy, mean = dy, rstd = dy] = saved;
        const sumDy = tf.sum(dy, [1, 2]); // [B, C]
        const sumDyX = tf.sum(tf.mul(dy, x), [1, 2]); // [B, C]
        const sumDyXhat = tf.mul(rstd, tf.sub(sumDyX, tf.mul(mean, sumDy)));
        const m1 = tf.div(overGroup(tf.mul(sumDy, gamma)), n);
        const m2 = tf.div(overGroup(tf.mul(sumDyXhat, gamma)), n);
        // dx = rstd·(dy·gamma - m1 - xhat·m2), xhat = (x - mean)·rstd
        const c1 = tf.neg(tf.mul(tf.square(rstd), m2));
        const c2 = tf.neg(tf.add(tf.mul(rstd, m1), tf.mul(c1, mean)));
        const dx = tf.add(
          tf.add(tf.mul(dy, spread(tf.mul(rstd, gamma))), tf.mul(x, spread(c1))),
          spread(c2),
        );
        return [dx, tf.sum(sumDyXhat, 0), tf.sum(sumDy, 0)];
      },
    };
  });
  return op(x, param(params, `${name}.weight`), param(params, `${name}.bias`)) as tf.Tensor4D;
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
  const flat = tf.reshape(groupNorm(params, `${name}.group_norm`, x, options.groups, options.eps), [
    B * n,
    C,
  ]) as tf.Tensor2D;
  const split = (part: string): tf.Tensor =>
    tf.transpose(
      tf.reshape(linear(params, `${name}.${part}`, flat), [B, n, heads, options.head_dim]),
      [0, 2, 1, 3],
    ); // [B, heads, n, head_dim]
  const scores = tf.matMul(
    tf.mul(split('to_q'), 1 / Math.sqrt(options.head_dim)),
    split('to_k'),
    false,
    true,
  );
  const mixed = tf.matMul(tf.softmax(scores), split('to_v')); // [B, heads, n, head_dim]
  const joined = tf.reshape(tf.transpose(mixed, [0, 2, 1, 3]), [B * n, C]) as tf.Tensor2D;
  return tf.add(x, tf.reshape(linear(params, `${name}.to_out.0`, joined), [B, H, W, C]));
}
