import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { linearTicks, logTicks, tickText, tickTexts } from './ticks';

describe('ticks', () => {
  it('are round', () => {
    expect(linearTicks(0, 12486, 4)).toEqual([0, 5000, 10000]);
    expect(linearTicks(0, 3000, 5)).toEqual([0, 1000, 2000, 3000]);
    expect(linearTicks(-0.2, 0.21, 5)).toEqual([-0.2, -0.1, 0, 0.1, 0.2]);
    expect(logTicks(0.09, 1.1, 4)).toEqual([0.1, 0.2, 0.5, 1]);
    expect(logTicks(1e-8, 1, 4)).toEqual([1e-8, 1e-5, 1e-2]);
    expect(logTicks(0.31, 0.36, 4)).toEqual([0.32, 0.34, 0.36]);
  });

  it('lie inside the range, ascend and are few', () => {
    const ends = fc.tuple(
      fc.double({ min: 1e-9, max: 1e9, noNaN: true }),
      fc.double({ min: 1.0001, max: 1e6, noNaN: true }),
    );
    fc.assert(
      fc.property(ends, fc.integer({ min: 2, max: 6 }), ([from, ratio], most) => {
        for (const ticks of [linearTicks, logTicks].map((f) => f(from, from * ratio, most))) {
          expect(ticks.length).toBeLessThanOrEqual(most);
          ticks.forEach((tick, i) => {
            expect(tick).toBeGreaterThanOrEqual(from * (1 - 1e-6));
            expect(tick).toBeLessThanOrEqual(from * ratio * (1 + 1e-6));
            if (i > 0) expect(tick).toBeGreaterThan(ticks[i - 1] ?? NaN);
          });
        }
      }),
    );
  });

  it('are none where there is no range', () => {
    expect(linearTicks(1, 1, 4)).toEqual([]);
    expect(linearTicks(0, Infinity, 4)).toEqual([]);
    expect(logTicks(0, 1, 4)).toEqual([]);
  });

  it('are short', () => {
    expect([0.05, 2, 1e-4, 0, 250000].map(tickText)).toEqual(['0.05', '2', '1e-4', '0', '2.5e5']);
    expect(tickTexts([0, 5e-4, 1e-3])).toEqual(['0', '5e-4', '1e-3']);
    expect(tickTexts([0, 0.5, 1])).toEqual(['0', '0.5', '1']);
  });
});
