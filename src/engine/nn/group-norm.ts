import * as tf from '@tensorflow/tfjs';
import { postponed } from '../backend/postponed';
import { param } from './params';
import type { Params } from './params';

/** x · sigmoid(x), with one pass less going back than the composed gradient. */
export function silu<T extends tf.Tensor>(x: T): T {
  const op = tf.customGrad((input, save) => {
    const gate = tf.sigmoid(input as tf.Tensor);
    const value = tf.mul(input as tf.Tensor, gate);
    (save as tf.GradSaveFunc)([gate, value]);
    return {
      value,
      gradFunc: (dy: tf.Tensor, [gate = dy, value = dy]: tf.Tensor[]) => siluGrad(dy, gate, value),
    };
  });
  return op(x) as T;
}

/** d/dx x·s = s + y·(1 - s) with y = x·s, so dx = g + (dy - g)·y with g = dy·s: four passes. */
function siluGrad(dy: tf.Tensor, gate: tf.Tensor, value: tf.Tensor): tf.Tensor {
  const gated = tf.mul(dy, gate);
  return tf.add(gated, tf.mul(tf.sub(dy, gated), value));
}

export interface NormOptions {
  groups: number;
  eps: number;
  /** [B, C], added to x before it is normalised, at no pass over the large tensor. */
  shift?: tf.Tensor2D | undefined;
  /** SiLU of the result. */
  activate?: boolean;
  /** Sees the result before SiLU; does not own it. */
  watch?: (y: tf.Tensor) => void;
}

/**
 * GroupNorm over [B, H, W, C], channels in `groups` runs of C / groups, of x + shift.
 *
 * What costs is reading and writing the large tensor, so it is read few times: sums over the
 * image, then products with small matrices over the channels of a group, then one affine map
 * y = x·scale + offset with scale and offset per image and channel. With u = x + s, the sums of u
 * follow from those of x. The gradient has the same form: dx = dy·scale + x·c1 + c2.
 *
 * @source Wu & He 2018, arXiv:1803.08494; biased variance, as PyTorch
 */
export function groupNorm(
  params: Params,
  name: string,
  x: tf.Tensor4D,
  { groups, eps, shift, activate = false, watch }: NormOptions,
): tf.Tensor4D {
  const [B, H, W, C] = x.shape;
  const P = H * W;
  const s = shift ?? (tf.zeros([1, C]) as tf.Tensor2D);
  const spread = (v: tf.Tensor): tf.Tensor => tf.reshape(v, [B, 1, 1, C]);
  // [N, C] sums over the image → the mean of the group they are in: [N, C]
  const averaging = groupAverage(C, groups, P);
  const overGroup = (matrix: tf.Tensor, ...list: tf.Tensor[]): tf.Tensor[] =>
    tf.split(tf.matMul(tf.concat(list as tf.Tensor2D[], 0), matrix), list.length);

  const op = tf.customGrad((xIn, sIn, gIn, bIn, save) => {
    const [x, s, gamma, beta] = [xIn, sIn, gIn, bIn] as tf.Tensor[];
    if (!x || !s || !gamma || !beta) throw new Error('groupNorm needs four tensors');
    const sum = tf.sum(x, [1, 2]); // [B, C]
    const squares = tf.sum(tf.square(x), [1, 2]);
    const shifted = shift
      ? [
          tf.add(sum, tf.mul(s, P)),
          tf.add(squares, tf.mul(s, tf.add(tf.mul(sum, 2), tf.mul(s, P)))),
        ]
      : [sum, squares];
    const [mean = sum, square = sum] = overGroup(averaging, ...shifted);
    const rstd = tf.rsqrt(tf.add(tf.relu(tf.sub(square, tf.square(mean))), eps));
    const scale = tf.mul(rstd, gamma);
    const centre = tf.sub(s, mean); // u - mean = x + centre
    const offset = tf.add(tf.mul(centre, scale), beta);
    const y = tf.add(tf.mul(x, spread(scale)), spread(offset));
    const value = activate ? tf.mul(y, tf.sigmoid(y)) : y;
    watch?.(y);
    (save as tf.GradSaveFunc)([
      ...[x, gamma, sum, rstd, centre, averaging],
      ...(activate ? [offset, value] : []),
    ]);
    return {
      value,
      gradFunc: (dz: tf.Tensor, saved: tf.Tensor[]) => {
        const [x = dz, gamma = dz, sum = dz, rstd = dz, centre = dz, averaging = dz, ...silu] =
          saved;
        const scale = tf.mul(rstd, gamma);
        const [offset, value] = silu;
        // The gate is made again rather than kept: it is as large as x.
        const gate = (offset: tf.Tensor): tf.Tensor => {
          const y = tf.mul(x, spread(postponed(scale, dz)));
          return tf.sigmoid(tf.add(y, spread(offset)));
        };
        const dy = offset && value ? siluGrad(dz, gate(offset), value) : dz;
        const sumDy = tf.sum(dy, [1, 2]); // [B, C]
        const sumDyX = tf.sum(tf.mul(dy, x), [1, 2]);
        const sumDyXhat = tf.mul(rstd, tf.add(sumDyX, tf.mul(centre, sumDy)));
        const [m1 = sumDy, m2 = sumDy] = overGroup(
          averaging,
          tf.mul(sumDy, gamma),
          tf.mul(sumDyXhat, gamma),
        );
        // dx = rstd·(dy·gamma - m1 - xhat·m2), xhat = (x + centre)·rstd
        const c1 = tf.neg(tf.mul(tf.square(rstd), m2));
        const c2 = tf.sub(tf.mul(centre, c1), tf.mul(rstd, m1));
        const dx = tf.add(tf.mul(dy, spread(scale)), tf.add(tf.mul(x, spread(c1)), spread(c2)));
        const ds = shift
          ? tf.add(tf.add(tf.mul(scale, sumDy), tf.mul(c1, sum)), tf.mul(c2, P))
          : tf.zeros([1, C]);
        return [dx, ds, tf.sum(sumDyXhat, 0), tf.sum(sumDy, 0)];
      },
    };
  });
  return op(x, s, param(params, `${name}.weight`), param(params, `${name}.bias`)) as tf.Tensor4D;
}

/** [C, C]: one over the values of a group where two channels share it, else zero. */
function groupAverage(C: number, groups: number, positions: number): tf.Tensor2D {
  const width = C / groups;
  const values = new Float32Array(C * C);
  for (let i = 0; i < C; i++) {
    const first = i - (i % width);
    values.fill(1 / (width * positions), i * C + first, i * C + first + width);
  }
  return tf.tensor2d(values, [C, C]);
}
