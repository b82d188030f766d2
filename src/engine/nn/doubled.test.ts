import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadBackend } from '../backend';
import { doubled } from './doubled';
import { conv2d } from './layers';

describe('an enlargement with its convolution', () => {
  beforeAll(() => loadBackend());

  const params = () => ({
    'up.weight': tf.randomNormal([3, 3, 5, 4], 0, 1, 'float32', 1),
    'up.bias': tf.randomNormal([4], 0, 1, 'float32', 2),
  });
  const enlarged = (x: tf.Tensor4D): tf.Tensor4D =>
    tf.image.resizeNearestNeighbor(x, [2 * x.shape[1], 2 * x.shape[2]]);

  it('equals a nearest-neighbour enlargement and a convolution, in value and gradients', () => {
    const x = tf.randomNormal<tf.Rank.R4>([2, 3, 4, 5], 0, 1, 'float32', 3);
    const dy = tf.randomNormal([2, 6, 8, 4], 0, 1, 'float32', 4);
    const results = [
      (p: Record<string, tf.Tensor>, at: tf.Tensor4D) => doubled(p, 'up', at),
      (p: Record<string, tf.Tensor>, at: tf.Tensor4D) => conv2d(p, 'up', enlarged(at)),
    ].map((layer) => {
      const { 'up.weight': weight, 'up.bias': bias } = params();
      const { value, grads } = tf.valueAndGrads((at, w, b) =>
        tf.sum(tf.mul(layer({ 'up.weight': w, 'up.bias': b } as never, at as tf.Tensor4D), dy)),
      )([x, weight, bias]);
      return [layer({ 'up.weight': weight, 'up.bias': bias }, x), value, ...grads];
    });
    const [ours = [], plain = []] = results;
    expect(ours).toHaveLength(5);
    ours.forEach((tensor, index) => {
      const other = plain[index];
      if (!other) throw new Error('the plain layer gave fewer tensors');
      expect(tensor.shape).toEqual(other.shape);
      const worst = tf.max(tf.abs(tf.sub(tensor, other))).dataSync()[0];
      const size = tf.max(tf.abs(other)).dataSync()[0] ?? 0;
      expect(worst).toBeLessThan(2e-6 * size);
    });
  });
});
