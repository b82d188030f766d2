import { describe, expect, it } from 'vitest';
import type { MetricRows } from '../store/port';
import { outlineOf } from './outline';

/** A history of two metrics; the second is measured at every hundredth row. */
function history(total: number, spikes: Record<number, number>) {
  const value = (row: number): number => spikes[row] ?? Math.sin(row / 50);
  return (from: number, limit: number): MetricRows => {
    const n = Math.min(limit, total - from);
    const column = (of: (row: number) => number) =>
      Float64Array.from({ length: n }, (_, i) => of(from + i));
    const values = Float64Array.from({ length: 2 * n }, (_, i) => {
      const row = from + (i >> 1);
      return i % 2 === 0 ? value(row) : row % 100 === 0 ? row : NaN;
    });
    const step = column((row) => row + 1);
    return {
      keys: ['a', 'b'],
      ...{ step, wall: column((row) => row * 10), active: column((row) => row / 10) },
      ...{ values, next: from + n, total },
    };
  };
}

describe('an outline of a history', () => {
  it('keeps every spike, both ends and the rows as they are', () => {
    const total = 200_003;
    const spikes = { 65_535: 9, 65_536: -9, 123_456: 40, 123_457: -40 };
    const read = history(total, spikes);
    const outline = outlineOf(total, read);
    const rows = [...outline.step].map((step) => step - 1);
    expect(rows.length).toBeLessThanOrEqual(4002);
    expect(rows).toEqual([...new Set(rows)].sort((a, b) => a - b));
    expect([rows[0], rows.at(-1)]).toEqual([0, total - 1]);
    for (const [row, value] of Object.entries(spikes)) {
      expect(outline.values[2 * rows.indexOf(Number(row))]).toBe(value);
    }
    const whole = read(0, total);
    rows.forEach((row, i) => {
      expect(outline.wall[i]).toBe(whole.wall[row]);
      expect(outline.values.slice(2 * i, 2 * i + 2)).toEqual(
        whole.values.slice(2 * row, 2 * row + 2),
      );
    });
    expect(outline.next).toBe(total);
  });

  it('has the lowest and the highest of each stretch, of a rare metric too', () => {
    const outline = outlineOf(100_000, history(100_000, {}));
    const rare = [...outline.values].filter((value, i) => i % 2 === 1 && !Number.isNaN(value));
    expect(rare).toHaveLength(1000);
  });
});
