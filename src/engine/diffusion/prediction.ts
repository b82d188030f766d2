import * as tf from '@tensorflow/tfjs';
import type { ModelConfig } from '@shared/config/run-config';
import type { Batch } from './loss';

/**
 * What the network puts out, and the noise that follows from it:
 *
 *   eps = sqrt(ab) v + sqrt(1 - ab) x_t = (x_t - sqrt(ab) x_0) / sqrt(1 - ab)
 *
 * A network that puts out v need not copy x_t through its normalisations to the last digit, so
 * small models find the large shapes in a fraction of the steps.
 *
 * @source  Salimans & Ho 2022, arXiv:2202.00512
 */
type Prediction = ModelConfig['prediction'];

/**
 * The predicted noise, [B, H, W, C].
 * @param signal, noise  [B, 1, 1, 1] coefficients of the forward process
 */
export function epsOf(
  prediction: Prediction,
  output: tf.Tensor4D,
  x_t: tf.Tensor4D,
  { signal, noise }: Pick<Batch, 'signal' | 'noise'>,
): tf.Tensor4D {
  switch (prediction) {
    case 'eps':
      return output;
    case 'v':
      return tf.add(tf.mul(output, signal), tf.mul(x_t, noise));
    case 'x_0':
      return tf.div(tf.sub(x_t, tf.mul(output, signal)), noise);
  }
}

/** What a perfect network would put out for a batch, [B, H, W, C]; v = sqrt(ab) eps - sqrt(1-ab) x_0. */
export function targetOf(
  prediction: Prediction,
  { x_0, eps, signal, noise }: Pick<Batch, 'x_0' | 'eps' | 'signal' | 'noise'>,
): tf.Tensor4D {
  switch (prediction) {
    case 'eps':
      return eps;
    case 'v':
      return tf.sub(tf.mul(eps, signal), tf.mul(x_0, noise));
    case 'x_0':
      return x_0;
  }
}

/** Squared errors of the output, [B], as squared errors of eps: times ab for v, SNR for x_0. */
export function epsErrors(
  prediction: Prediction,
  errors: tf.Tensor1D,
  { signal, noise }: Pick<Batch, 'signal' | 'noise'>,
): tf.Tensor1D {
  if (prediction === 'eps') return errors;
  const share = prediction === 'v' ? signal : tf.div(signal, noise);
  return tf.mul(errors, tf.reshape(tf.square(share), errors.shape));
}
