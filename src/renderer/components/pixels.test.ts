import { ndarray } from '@shared/maths/ndarray';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bestColumns, pictureAt, pictures, tileEdge } from './pixels';

describe('pictureAt', () => {
  it('spreads grey and copies colour', () => {
    const grey = pictureAt(ndarray(Uint8Array.of(1, 2, 3, 4), [2, 1, 2, 1]), 1);
    expect([...grey.rgba]).toEqual([3, 3, 3, 255, 4, 4, 4, 255]);
    const colour = pictureAt(ndarray(Uint8Array.of(1, 2, 3), [1, 1, 1, 3]), 0);
    expect([...colour.rgba]).toEqual([1, 2, 3, 255]);
  });

  it('knows how many there are', () => {
    const images = ndarray(new Uint8Array(12), [3, 2, 2, 1]);
    expect(pictures(images)).toHaveLength(3);
    expect(pictures(images, 2)).toHaveLength(2);
    expect(() => pictureAt(images, 3)).toThrow(RangeError);
  });
});

describe('tiles', () => {
  it('are whole device pixels and fit', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 8, max: 64 }),
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: 300, max: 1300 }),
        fc.constantFrom(1, 1.25, 1.5, 2),
        (edge, columns, available, ratio) => {
          const tile = tileEdge(edge, columns, 4, available, ratio);
          expect((tile * ratio) / edge).toBeCloseTo(Math.round((tile * ratio) / edge), 6);
          const wide = columns * tile + 4 * (columns - 1);
          if (columns * (edge / ratio) + 4 * (columns - 1) <= available) {
            expect(wide).toBeLessThanOrEqual(available + 0.01);
          }
        },
      ),
    );
  });

  it('fill full rows', () => {
    expect(bestColumns(16, 32, 6, 836, 330, 1)).toBe(8);
    expect(bestColumns(16, 32, 6, 738, 330, 1)).toBe(8);
    expect(bestColumns(1, 32, 6, 100, 330, 1)).toBe(1);
    expect(bestColumns(16, 512, 6, 300, 330, 1)).toBe(1);
  });
});
