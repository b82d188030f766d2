import { describe, expect, it } from 'vitest';
import { churnOf, nmiOf, perplexityOf, purityOf, sharesOf } from './clusters';

describe('usage', () => {
  it('counts shares, all zeros without assignments', () => {
    expect([...sharesOf([0, 2, 2, 2], 4)]).toEqual([0.25, 0, 0.75, 0]);
    expect([...sharesOf([], 3)]).toEqual([0, 0, 0]);
  });

  it('has a perplexity between 1 and K', () => {
    expect(perplexityOf([0.25, 0.25, 0.25, 0.25])).toBeCloseTo(4, 12);
    expect(perplexityOf([0, 1, 0])).toBe(1);
    // H = -(1/2 ln 1/2 + 2 · 1/4 ln 1/4) = 3/2 ln 2
    expect(perplexityOf([0.5, 0.25, 0.25])).toBeCloseTo(2 ** 1.5, 12);
  });

  it('churns by the share that changed', () => {
    expect(churnOf([0, 1, 2, 3], [0, 1, 2, 3])).toBe(0);
    expect(churnOf([0, 1, 2, 3], [0, 2, 2, 1])).toBe(0.5);
  });
});

describe('agreement with labels', () => {
  // The three clusters of the textbook's figure 16.4: x, o and ◇ as 0, 1 and 2.
  const assignment = [0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2];
  const labels = [0, 0, 0, 0, 0, 1, 0, 1, 1, 1, 1, 2, 0, 0, 2, 2, 2];

  it('is as worked out there', () => {
    expect(purityOf(assignment, labels)).toBeCloseTo(12 / 17, 12);
    expect(nmiOf(assignment, labels)).toBeCloseTo(0.36, 2);
  });

  it('is perfect for a renamed partition, none for independent ones', () => {
    expect(purityOf([2, 2, 0, 0], [5, 5, 1, 1])).toBe(1);
    expect(nmiOf([2, 2, 0, 0], [5, 5, 1, 1])).toBeCloseTo(1, 12);
    expect(nmiOf([0, 0, 1, 1], [0, 1, 0, 1])).toBeCloseTo(0, 12);
    expect(purityOf([0, 0, 0, 0], [3, 3, 3, 1])).toBe(0.75);
    expect(nmiOf([0, 0, 0, 0], [3, 3, 3, 1])).toBe(0);
    expect(nmiOf([1, 1], [0, 0])).toBe(1);
  });
});
