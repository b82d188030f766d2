import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Smoother, smooth } from './smooth';

/** The definition, written as the sum it is: sum of w^(n-i) x_i over the sum of w^(n-i). */
function weightedMean(values: number[], weight: number): number {
  let top = 0;
  let bottom = 0;
  values.forEach((value, i) => {
    const share = weight ** (values.length - 1 - i);
    top += share * value;
    bottom += share;
  });
  return top / bottom;
}

describe('smooth', () => {
  it('is the normalised exponential mean at every point', () => {
    const series = fc.array(fc.double({ min: -1e3, max: 1e3, noNaN: true }), {
      minLength: 1,
      maxLength: 40,
    });
    fc.assert(
      fc.property(series, fc.double({ min: 0, max: 0.99, noNaN: true }), (values, weight) => {
        const got = smooth(values, weight);
        values.forEach((_, i) => {
          expect(got[i]).toBeCloseTo(weightedMean(values.slice(0, i + 1), weight), 6);
        });
      }),
    );
  });

  it('leaves the series alone at weight 0', () => {
    expect([...smooth([3, 1, 2], 0)]).toEqual([3, 1, 2]);
  });

  it('keeps a constant series bit for bit', () => {
    expect([...smooth([0.1, 0.1, 0.1], 0.97)]).toEqual([0.1, 0.1, 0.1]);
  });

  it('passes NaN through and forgets it', () => {
    const got = smooth([1, NaN, 3], 0.5);
    expect(got[1]).toBeNaN();
    expect(got[2]).toBeCloseTo(smooth([1, 3], 0.5)[1] ?? NaN, 12);
  });

  it('refuses a weight of 1, which would never move', () => {
    expect(() => new Smoother(1)).toThrow(/must lie in/);
  });
});
