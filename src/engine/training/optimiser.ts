import * as tf from '@tensorflow/tfjs';

/** As the device has them, so that 1 - BETA is the same whether it is worked out here or there. */
export const BETA_1 = Math.fround(0.9);
export const BETA_2 = Math.fround(0.999);
const EPSILON = 1e-8;
const CLIP_EPSILON = 1e-6;

/** Parameters and their two moments, each [total]. */
export type Update = Record<'p' | 'm' | 'v', tf.Tensor>;

/** Scalars of one update. */
export interface UpdateScalars {
  lr: tf.Scalar;
  weight_decay: tf.Scalar;
  clip_grad_norm: tf.Scalar;
  /** 1 / (1 - BETA_1^n), n = updates made, this one included */
  correction_1: tf.Scalar;
  /** 1 / (1 - BETA_2^n) */
  correction_2: tf.Scalar;
}

/**
 * One AdamW update of a whole parameter vector, the gradient clipped to a joint norm; returns new
 * tensors, changes none.
 *
 *   g ← g · min(1, limit / (|g| + 1e-6))
 *   p ← p (1 - lr·wd) - lr · m̂ / (sqrt(v̂) + 1e-8)
 *
 * Decay reaches every parameter, biases and norms included, as in the reference. The vector is
 * as long as the model is large, so passes over it count: the clip factor goes into the scalars,
 * and the squares serve both the norm and v. A captured step makes one pass of it: backend/in-place.ts
 * knows this form.
 *
 * @returns the update and the gradient's norm before clipping
 * @source  Loshchilov & Hutter 2019, arXiv:1711.05101; torch.optim.AdamW's order;
 *          torch.nn.utils.clip_grad_norm_
 */
export function adamw(
  { p, m, v }: Update,
  gradient: tf.Tensor,
  scalars: UpdateScalars,
): Update & { norm: tf.Scalar } {
  const squares = tf.square(gradient);
  const norm = tf.sqrt(tf.sum(squares)) as tf.Scalar;
  const factor = tf.minimum(1, tf.div(scalars.clip_grad_norm, tf.add(norm, CLIP_EPSILON)));
  const m_next = tf.add(tf.mul(m, BETA_1), tf.mul(gradient, tf.mul(factor, 1 - BETA_1)));
  const v_next = tf.add(tf.mul(v, BETA_2), tf.mul(squares, tf.mul(tf.square(factor), 1 - BETA_2)));
  const denominator = tf.add(tf.sqrt(tf.mul(v_next, scalars.correction_2)), EPSILON);
  const move = tf.mul(tf.div(m_next, denominator), tf.mul(scalars.lr, scalars.correction_1));
  const kept = tf.mul(p, tf.sub(1, tf.mul(scalars.lr, scalars.weight_decay)));
  return { p: tf.sub(kept, move), m: m_next, v: v_next, norm };
}

/**
 * Factor on the learning rate at update `step` (0-based): linear warm-up, then cosine to 0.
 * The first update has rate 0 when there is a warm-up.
 *
 * @source diffusers get_cosine_schedule_with_warmup; reference behaviour 10
 */
export function lrFactor(
  schedule: 'cosine' | 'constant',
  step: number,
  warmup: number,
  steps: number,
): number {
  if (step < warmup) return step / warmup;
  if (schedule === 'constant') return 1;
  const progress = (step - warmup) / Math.max(1, steps - warmup);
  return Math.max(0, 0.5 * (1 + Math.cos(Math.PI * Math.min(1, progress))));
}

/** EMA rate with warm-up: early averages forget fast, so the first samples are not the initial noise. */
export function emaRate(limit: number, step: number): number {
  return Math.min(limit, (1 + step) / (10 + step));
}
