import * as tf from '@tensorflow/tfjs';
import type { Condition } from './condition';
import { linear } from './layers';
import { param } from './params';
import type { Params } from './params';
import type { Watch } from './unet';

/** As the reference's MultiheadAttention has; the last width is a multiple of it. */
const HEADS = 8;
const NAME = 'unet.bottleneck_attn';

/**
 * Cross-attention from every position to the prototype tokens, residual added.
 *
 * With a single key the softmax is 1 whatever the query, so the result is
 * out_proj(W_v token + b_v) at every position: rows q and k of in_proj stay without gradient,
 * exactly as in the reference (behaviour 3). Several keys are attended to in earnest.
 *
 * @param h  [B, H, W, C]
 */
export function crossAttention(
  params: Params,
  h: tf.Tensor4D,
  condition: Extract<Condition, { kind: 'token' | 'tokens' }>,
  watch: Watch,
): tf.Tensor4D {
  const [B, H, W, C] = h.shape;
  if (condition.kind === 'token') {
    const output = linear(params, `${NAME}.out_proj`, project(params, 2, condition.token)); // [B, C]
    watch('unet.cross_attention.output', output);
    return tf.add(h, tf.reshape(output, [B, 1, 1, C]));
  }
  const { tokens, log_share } = condition;
  const K = tokens.shape[1];
  const n = H * W;
  const width = C / HEADS;
  /** [B · count, C] → [B, heads, count, width] */
  const perHead = (x: tf.Tensor2D, count: number): tf.Tensor =>
    tf.transpose(tf.reshape(x, [B, count, HEADS, width]), [0, 2, 1, 3]);
  const keys = tf.reshape(tokens, [B * K, C]) as tf.Tensor2D;
  const q = perHead(project(params, 0, tf.reshape(h, [B * n, C])), n);
  const k = perHead(project(params, 1, keys), K);
  const v = perHead(project(params, 2, keys), K);
  const scores = tf.matMul(tf.mul(q, 1 / Math.sqrt(width)), k, false, true); // [B, heads, n, K]
  const weights = tf.softmax(tf.add(scores, tf.reshape(log_share, [B, 1, 1, K])));
  watch('unet.cross_attention.weights', weights);
  const joined = tf.reshape(tf.transpose(tf.matMul(weights, v), [0, 2, 1, 3]), [B * n, C]);
  const output = linear(params, `${NAME}.out_proj`, joined as tf.Tensor2D);
  watch('unet.cross_attention.output', output);
  return tf.add(h, tf.reshape(output, [B, H, W, C]));
}

/** x W_iᵀ + b_i with part i of the packed q, k, v. [N, C] → [N, C] */
function project(params: Params, part: 0 | 1 | 2, x: tf.Tensor2D): tf.Tensor2D {
  const C = x.shape[1];
  const weight = param<tf.Tensor2D>(params, `${NAME}.in_proj_weight`);
  const bias = param<tf.Tensor1D>(params, `${NAME}.in_proj_bias`);
  return tf.add(
    tf.matMul(x, tf.slice(weight, [part * C, 0], [C, C]), false, true),
    tf.slice(bias, [part * C], [C]),
  );
}
