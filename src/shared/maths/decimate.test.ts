import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decimate } from './decimate';

const count = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

describe('decimate', () => {
  it('keeps every point when there is room', () => {
    const y = [3, 1, 2, 5];
    expect(decimate(count(4), y, { from: 0, to: 3, pixels: 400 })).toEqual([0, 1, 2, 3]);
  });

  it('never loses the extremes, keeps order, and stays under two a pixel', () => {
    const series = fc.array(fc.double({ min: -1, max: 1, noNaN: true }), {
      minLength: 1,
      maxLength: 500,
    });
    fc.assert(
      fc.property(series, fc.integer({ min: 1, max: 60 }), (y, pixels) => {
        const kept = decimate(count(y.length), y, { from: 0, to: y.length - 1, pixels });
        expect(kept.length).toBeLessThanOrEqual(2 * pixels + 2);
        expect([...kept].sort((a, b) => a - b)).toEqual(kept);
        expect(new Set(kept).size).toBe(kept.length);
        const values = kept.map((i) => y[i] ?? NaN);
        expect(Math.min(...values)).toBe(Math.min(...y));
        expect(Math.max(...values)).toBe(Math.max(...y));
      }),
    );
  });

  it('keeps one point beyond each edge of the window', () => {
    expect(decimate(count(10), count(10), { from: 3, to: 5, pixels: 100 })).toEqual([
      2, 3, 4, 5, 6,
    ]);
  });

  it('buckets by log x', () => {
    const x = count(1001).slice(1);
    const kept = decimate(x, x, { from: 1, to: 1000, pixels: 3, log: true });
    expect(kept.map((i) => x[i])).toEqual([1, 9, 10, 99, 100, 1000]);
  });

  it('skips NaN and survives an empty series and a window without width', () => {
    expect(decimate([0, 1, 2], [1, NaN, 3], { from: 0, to: 2, pixels: 10 })).toEqual([0, 2]);
    expect(decimate([], [], { from: 0, to: 1, pixels: 10 })).toEqual([]);
    expect(decimate([5], [1], { from: 5, to: 5, pixels: 10 })).toEqual([0]);
  });
});
