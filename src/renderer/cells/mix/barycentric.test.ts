import { describe, expect, it } from 'vitest';
import { cornersOf, pointOf, sharesAt, withShare } from './barycentric';

describe.each([2, 3])('a pad of %i prototypes', (parts) => {
  const corners = cornersOf(parts);

  it('gives back the shares of every place on it', () => {
    for (let a = 0; a <= 100; a += 10) {
      for (let b = 0; a + b <= 100; b += 10) {
        const shares =
          parts === 2 ? [a / 100, 1 - a / 100] : [a, b, 100 - a - b].map((n) => n / 100);
        const back = sharesAt(pointOf(shares, corners), corners);
        back.forEach((share, i) => expect(share).toBeCloseTo(shares[i] ?? NaN, 10));
      }
    }
  });

  it('draws a place outside to its edge, in whole percent that sum to 1', () => {
    for (const point of [
      [-500, 40],
      [900, 2],
      [50, -300],
      [51, 4000],
    ] as const) {
      const shares = sharesAt(point, corners);
      expect(Math.min(...shares)).toBeGreaterThanOrEqual(0);
      expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 12);
      for (const share of shares) expect(share * 100).toBeCloseTo(Math.round(share * 100), 9);
    }
  });
});

describe('a share by itself', () => {
  it('leaves the others in their proportion, and splits what there is none of', () => {
    expect(withShare([0.5, 0.3, 0.2], 0, 0)).toEqual([0, 0.6, 0.4]);
    expect(withShare([1, 0, 0], 0, 0.5)).toEqual([0.5, 0.25, 0.25]);
    expect(withShare([0.2, 0.8], 1, 7)).toEqual([0, 1]);
  });
});
