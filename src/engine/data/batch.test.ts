import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { batchIndices, gatherBatch } from './batch';
import { dataset } from './dataset';
import type { Dataset } from './dataset';

describe('batchIndices', () => {
  it('shows every image once an epoch, wherever batches end', () => {
    fc.assert(
      fc.property(
        fc.nat(),
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 50 }),
        (seed, n, batch) => {
          const steps = Math.ceil((3 * n) / batch);
          const shown: number[] = [];
          for (let step = 0; step < steps; step++)
            shown.push(...batchIndices(seed, step, batch, n));
          for (let epoch = 0; epoch < 3; epoch++) {
            const seen = new Set(shown.slice(epoch * n, (epoch + 1) * n));
            expect(seen.size).toBe(n);
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it('depends on nothing but its arguments: any step, in any order, any number of times', () => {
    const forwards = Array.from({ length: 20 }, (_, step) => batchIndices(5, step, 7, 30));
    for (const step of [19, 0, 13, 4, 4]) {
      batchIndices(6, step, 3, 11); // another run in between
      expect(batchIndices(5, step, 7, 30)).toEqual(forwards[step]);
    }
  });

  it('draws each epoch and each seed anew', () => {
    const epoch = (seed: number, number: number): string =>
      batchIndices(seed, number, 100, 100).join(' ');
    expect(new Set([epoch(1, 0), epoch(1, 1), epoch(1, 2), epoch(2, 0)]).size).toBe(4);
  });

  it('takes from two epochs, or many, to fill a batch', () => {
    const whole = [...batchIndices(3, 0, 10, 10), ...batchIndices(3, 1, 10, 10)];
    expect(Array.from(batchIndices(3, 2, 6, 10))).toEqual(whole.slice(12, 18));
    expect(Array.from(batchIndices(3, 1, 6, 10))).toEqual(whole.slice(6, 12));
    expect(Array.from(batchIndices(3, 0, 5, 1))).toEqual([0, 0, 0, 0, 0]);
  });

  it.each([
    [0, 4, 0],
    [0, 0, 4],
    [-1, 4, 4],
  ])('refuses step %i, batch %i of %i images', (step, batch, n) => {
    expect(() => batchIndices(1, step, batch, n)).toThrow(RangeError);
  });
});

describe('gatherBatch', () => {
  const images: Dataset = dataset({
    name: 'three',
    // Two rows of two pixels of three channels.
    images: Uint8Array.from({ length: 3 * 12 }, (_, i) => (i * 7) % 256),
    labels: null,
    classes: [],
    count: 3,
    height: 2,
    width: 2,
    channels: 3,
  });

  it('scales 0 and 255 to -1 and 1 exactly, and the middle to almost 0', () => {
    const ends = { ...images, images: new Uint8Array(36).fill(255, 12, 24).fill(128, 24) };
    const out = gatherBatch(ends, [0, 1, 2]);
    expect([out[0], out[12]]).toEqual([-1, 1]);
    expect(out[24]).toBeCloseTo(1 / 255, 6);
  });

  it('copies images in the order asked for, repeats included', () => {
    const out = gatherBatch(images, Int32Array.of(2, 0, 2));
    expect(out).toHaveLength(36);
    const at = (n: number): number => Math.fround((images.images[n] as number) / 127.5 - 1);
    expect([out[0], out[12], out[24], out[35]]).toEqual([at(24), at(0), at(24), at(35)]);
  });

  it('mirrors left to right, channels and rows kept, only where it is told to', () => {
    const plain = gatherBatch(images, [1, 1]);
    const mixed = gatherBatch(
      images,
      [1, 1],
      [
        { flip: false, dx: 0, dy: 0, angle: 0 },
        { flip: true, dx: 0, dy: 0, angle: 0 },
      ],
    );
    expect(mixed.subarray(0, 12)).toEqual(plain.subarray(0, 12));
    const [a, b, c, d] = [0, 3, 6, 9].map((at) => Array.from(plain.subarray(at, at + 3)));
    expect(Array.from(mixed.subarray(12))).toEqual([b, a, d, c].flat());
  });

  it('turns about the middle: quarter turns move pixels, small ones mix neighbours within their range', () => {
    // Two by two, values 0, 1, 2, 3 times 85: a quarter turn puts each in its neighbour's place.
    const square: Dataset = {
      ...images,
      channels: 1,
      count: 1,
      images: Uint8Array.of(0, 85, 170, 255),
    };
    const turned = (angle: number, flip = false): number[] =>
      Array.from(
        gatherBatch(square, [0], [{ flip, dx: 0, dy: 0, angle }]),
        (value) => Math.round((value + 1) * 1.5 * 1000) / 1000,
      );
    expect(turned(Math.PI / 2)).toEqual([2, 0, 3, 1]);
    expect(turned(-Math.PI / 2)).toEqual([1, 3, 0, 2]);
    expect(turned(Math.PI)).toEqual([3, 2, 1, 0]);
    expect(turned(Math.PI, true)).toEqual([2, 3, 0, 1]);
    const little = turned(0.1);
    expect(little).not.toEqual([0, 1, 2, 3]);
    for (const value of little) {
      expect(value).toBeGreaterThanOrEqual(0);
      expect(value).toBeLessThanOrEqual(3);
    }
    expect(turned(2 * Math.PI)).toEqual([0, 1, 2, 3]);
  });

  it.each([[-1], [3], [0.5 + 3]])('refuses image %d of three', (index) => {
    expect(() => gatherBatch(images, [index])).toThrow(RangeError);
  });
});
