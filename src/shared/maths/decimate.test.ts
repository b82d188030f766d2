import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decimate } from './decimate';
import type { Window } from './decimate';
import { Pyramid } from './pyramid';

const count = (n: number): Float64Array => Float64Array.from({ length: n }, (_, i) => i);

function kept(x: Float64Array, y: Float64Array, window: Window): number[] {
  const pyramid = new Pyramid();
  pyramid.extend(y);
  return decimate(x, y, window, (from, to) => pyramid.extremes(y, from, to));
}

/** The same by reading every point once, as plainly as can be. */
function oracle(x: Float64Array, y: Float64Array, { from, to, pixels, log }: Window): number[] {
  const scale = (value: number): number => (log ? Math.log10(value) : value);
  const width = scale(to) - scale(from);
  const buckets = new Map<number, [low: number, high: number]>();
  let before = -1;
  let after = -1;
  x.forEach((value, i) => {
    if (Number.isNaN(y[i])) return;
    const at = scale(value) - scale(from);
    if (at < 0) before = i;
    else if (at > width) after = after < 0 ? i : after;
    else {
      const key = Math.min(pixels - 1, Math.floor((at / width) * pixels));
      const [low, high] = buckets.get(key) ?? [i, i];
      buckets.set(key, [
        (y[i] ?? 0) < (y[low] ?? 0) ? i : low,
        (y[i] ?? 0) > (y[high] ?? 0) ? i : high,
      ]);
    }
  });
  const inside = [...buckets.values()].flatMap(([low, high]) =>
    low === high ? [low] : [Math.min(low, high), Math.max(low, high)],
  );
  return [before, ...inside, after].filter((i) => i >= 0);
}

describe('decimate', () => {
  it('keeps every point when there is room', () => {
    const y = Float64Array.of(3, 1, 2, 5);
    expect(kept(count(4), y, { from: 0, to: 3, pixels: 400 })).toEqual([0, 1, 2, 3]);
  });

  it('keeps exactly the extremes of every pixel, whatever the window, the gaps and the spikes', () => {
    const value = fc.oneof(
      { weight: 9, arbitrary: fc.double({ min: -1, max: 1, noNaN: true }) },
      { weight: 1, arbitrary: fc.constantFrom(NaN, 1e9, -1e9) },
    );
    // Long enough for three levels of the pyramid.
    const series = fc
      .tuple(fc.array(value, { minLength: 1, maxLength: 300 }), fc.integer({ min: 1, max: 70 }))
      .map(([part, times]) =>
        Float64Array.from(
          { length: part.length * times },
          (_, i) => part[(i * 7 + (i >> 5)) % part.length] ?? NaN,
        ),
      );
    fc.assert(
      fc.property(
        series,
        fc.integer({ min: 1, max: 90 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0.001, max: 1, noNaN: true }),
        fc.boolean(),
        (y, pixels, start, share, log) => {
          const x = y.map((_, i) => (log ? i + 1 : i * 0.5));
          const from = (x[0] ?? 0) + start * y.length * 0.4;
          const window = { from, to: from + share * y.length + 1, pixels, log };
          const found = kept(x, y, window);
          expect(found).toEqual(oracle(x, y, window));
          expect(found.length).toBeLessThanOrEqual(2 * pixels + 2);
        },
      ),
      { numRuns: 150 },
    );
  });

  it('keeps one point beyond each edge of the window', () => {
    expect(kept(count(10), count(10), { from: 3, to: 5, pixels: 100 })).toEqual([2, 3, 4, 5, 6]);
  });

  it('buckets by log x', () => {
    const x = count(1001).slice(1);
    const found = kept(x, x, { from: 1, to: 1000, pixels: 3, log: true });
    expect(found.map((i) => x[i])).toEqual([1, 9, 10, 99, 100, 1000]);
  });

  it('skips NaN and survives an empty series and a window without width', () => {
    const none = new Float64Array(0);
    expect(kept(count(3), Float64Array.of(1, NaN, 3), { from: 0, to: 2, pixels: 10 })).toEqual([
      0, 2,
    ]);
    expect(kept(none, none, { from: 0, to: 1, pixels: 10 })).toEqual([]);
    expect(kept(Float64Array.of(5), Float64Array.of(1), { from: 5, to: 5, pixels: 10 })).toEqual([
      0,
    ]);
  });
});

describe('Pyramid', () => {
  it('finds the one spike among a million values without reading them', () => {
    const values = new Float64Array(1_000_000);
    const pyramid = new Pyramid();
    values[777_777] = 3;
    pyramid.extend(values);
    expect(pyramid.extremes(values, 10, 999_990)).toEqual([10, 777_777]);
  });

  it('grows as if it had been built at once', () => {
    const values = Float64Array.from({ length: 5000 }, (_, i) => Math.sin(i * i));
    const slow = new Pyramid();
    for (const length of [1, 63, 64, 1000, 1024, 4999, 5000])
      slow.extend(values.subarray(0, length));
    const quick = new Pyramid();
    quick.extend(values);
    for (const [from, to] of [
      [0, 5000],
      [3, 4100],
      [64, 1088],
      [70, 71],
      [5, 5],
    ] as const) {
      expect(slow.extremes(values, from, to)).toEqual(quick.extremes(values, from, to));
    }
  });
});
