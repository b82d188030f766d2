import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadBackend } from '../backend';
import { attend } from './attend';

describe('attention', () => {
  beforeAll(() => loadBackend());

  const normal = (seed: number, ...shape: number[]): tf.Tensor =>
    tf.randomNormal(shape, 0, 1, 'float32', seed);

  it('and its gradients are those of its plain form, for more keys than channels', () => {
    const given = [normal(1, 2, 3, 6, 4), normal(2, 2, 3, 6, 4), normal(3, 2, 3, 6, 4)];
    const dy = normal(4, 2, 3, 6, 4);
    const scale = 0.7;
    const plain = (q: tf.Tensor, k: tf.Tensor, v: tf.Tensor): tf.Tensor =>
      tf.matMul(tf.softmax(tf.mul(tf.matMul(q, k, false, true), scale)), v);
    const [ours = [], theirs = []] = [
      (q: tf.Tensor, k: tf.Tensor, v: tf.Tensor) => attend(q, k, v, scale),
      plain,
    ].map((form) => {
      const { value, grads } = tf.valueAndGrads((q, k, v) =>
        tf.sum(tf.mul(form(q as tf.Tensor, k as tf.Tensor, v as tf.Tensor), dy)),
      )(given);
      return [value, ...grads];
    });
    expect(ours).toHaveLength(4);
    ours.forEach((tensor, index) => {
      const other = theirs[index];
      if (!other) throw new Error('the plain form gave fewer tensors');
      expect(tensor.shape).toEqual(other.shape);
      const worst = tf.max(tf.abs(tf.sub(tensor, other))).dataSync()[0];
      expect(worst).toBeLessThan(2e-6 * (tf.max(tf.abs(other)).dataSync()[0] ?? 0));
    });
  });
});
