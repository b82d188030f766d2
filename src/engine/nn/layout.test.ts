import { describe, expect, it } from 'vitest';
import { ndarray } from '@shared/maths/ndarray';
import {
  imagesFromReference,
  imagesToReference,
  weightFromReference,
  weightToReference,
} from './layout';

const counted = (shape: number[]): ReturnType<typeof ndarray<Float32Array>> =>
  ndarray(
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => i),
    shape,
  );

describe('layouts', () => {
  it('moves OIHW to HWIO', () => {
    const hwio = weightFromReference(counted([2, 3, 1, 4])); // O I H W
    expect(hwio.shape).toEqual([1, 4, 3, 2]);
    // element (o=1, i=2, h=0, w=3) = 1*12 + 2*4 + 3
    expect(hwio.data[((0 * 4 + 3) * 3 + 2) * 2 + 1]).toBe(23);
  });

  it('moves NCHW to NHWC', () => {
    const nhwc = imagesFromReference(counted([1, 2, 2, 2]));
    expect([...nhwc.data]).toEqual([0, 4, 1, 5, 2, 6, 3, 7]);
  });

  it('returns by the opposite way, and copies flat arrays as they are', () => {
    for (const outputs of [1, 7, 16, 37]) {
      const weight = counted([3, 2, 5, outputs]);
      expect(weightFromReference(weightToReference(weight))).toEqual(weight);
    }
    const image = counted([2, 4, 6, 3]);
    expect(imagesFromReference(imagesToReference(image))).toEqual(image);
    const bias = counted([7]);
    const copy = weightToReference(bias);
    expect(copy).toEqual(bias);
    expect(copy.data).not.toBe(bias.data);
  });

  it('writes a weight where it is to lie', () => {
    for (const shape of [[3, 2, 5, 7], [7]]) {
      const weight = counted(shape);
      const all = new Float32Array(weight.data.length + 2);
      const place = all.subarray(1, -1);
      expect(weightToReference(weight, place).data).toBe(place);
      expect([...all.subarray(1, -1)]).toEqual([...weightToReference(weight).data]);
    }
  });
});
