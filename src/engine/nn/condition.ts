import * as tf from '@tensorflow/tfjs';
import { param } from './params';
import type { Params } from './params';
import { bank, selectPrototypes } from './prototypes';
import { hasBank } from './spec';
import type { ModelSpec } from './spec';

/** What the UNet is conditioned on; each kind enters at one place of it. */
export type Condition =
  | { kind: 'none' }
  /** [B, 4 C0], joins the time embedding. */
  | { kind: 'embedding'; added: tf.Tensor2D }
  /** [B, dim], the one key of the cross-attention. */
  | { kind: 'token'; token: tf.Tensor2D }
  /** tokens [B, K, dim], the keys; log_share [B, K] is added to each key's scores. */
  | { kind: 'tokens'; tokens: tf.Tensor3D; log_share: tf.Tensor2D };

/** Keeps a share of 0 finite: e^-27.6 of the attention. */
const LEAST_SHARE = 1e-12;

/**
 * The condition of a batch from each image's share of each prototype or class: a one at its own,
 * shares that sum to 1 for a mean of several, zeros for none (the null condition of classifier-free
 * guidance).
 *
 * One token: the prototype and the time encoding, so the null token is the time encoding alone;
 * it needs no parameters of its own. All tokens: every prototype with the time encoding, attended
 * to in proportion to its share; uniform shares are plain attention, zeros leave every token with
 * the time encoding alone.
 *
 * @param shares      [B, K]; unused by a model without conditioning
 * @param token_time  [B, dim]
 * @source reference behaviours 3 and 5; diffusers' class_embedding; Ho & Salimans 2022,
 *         arXiv:2207.12598, for the null condition
 */
export function conditionFrom(
  params: Params,
  spec: ModelSpec,
  shares: tf.Tensor2D | undefined,
  token_time: tf.Tensor2D,
): Condition {
  if (shares === undefined || spec.variant === 'ddpm') return { kind: 'none' };
  if (!hasBank(spec)) {
    return {
      kind: 'embedding',
      added: tf.matMul(shares, param<tf.Tensor2D>(params, 'unet.class_embedding.weight')),
    };
  }
  const prototypes = bank(params);
  if (spec.attention === 'one') {
    return { kind: 'token', token: tf.add(selectPrototypes(shares, prototypes), token_time) };
  }
  const [B, K] = shares.shape;
  const present = tf.minimum(tf.sum(shares, 1, true), 1); // [B, 1]; 0 under the null condition
  const tokens = tf.add(
    tf.mul(tf.reshape(present, [B, 1, 1]), tf.reshape(prototypes, [1, K, spec.dim])),
    tf.reshape(token_time, [B, 1, spec.dim]),
  ) as tf.Tensor3D;
  const log_share = tf.log(tf.add(tf.add(shares, tf.sub(1, present)), LEAST_SHARE));
  return { kind: 'tokens', tokens, log_share: log_share as tf.Tensor2D };
}
