import { describe, expect, it } from 'vitest';
import { emaRate, lrFactor } from './optimiser';

describe('lrFactor', () => {
  it('starts at 0, reaches 1 after the warm-up, ends at 0', () => {
    expect(lrFactor('cosine', 0, 10, 110)).toBe(0);
    expect(lrFactor('cosine', 5, 10, 110)).toBe(0.5);
    expect(lrFactor('cosine', 10, 10, 110)).toBe(1);
    expect(lrFactor('cosine', 60, 10, 110)).toBeCloseTo(0.5, 12);
    expect(lrFactor('cosine', 110, 10, 110)).toBeCloseTo(0, 12);
  });

  it('stays at 0 beyond the end, and at 1 when constant', () => {
    expect(lrFactor('cosine', 500, 10, 110)).toBeCloseTo(0, 12);
    expect(lrFactor('constant', 500, 10, 110)).toBe(1);
    expect(lrFactor('constant', 0, 0, 1)).toBe(1);
  });
});

describe('emaRate', () => {
  it('warms up from 0.1 to its limit', () => {
    expect(emaRate(0.995, 0)).toBe(0.1);
    expect(emaRate(0.995, 90)).toBeCloseTo(0.91, 12);
    expect(emaRate(0.995, 1e6)).toBe(0.995);
  });
});
