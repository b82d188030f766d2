import { ndarray } from '@shared/maths/ndarray';
import { smooth } from '@shared/maths/smooth';
import { describe, expect, it } from 'vitest';
import { CurvesBuffer } from './curves-buffer';

function rows(from: number, columns: Record<string, number[]>) {
  const keys = Object.keys(columns);
  const n = Object.values(columns)[0]?.length ?? 0;
  const series = (scale: number) =>
    ndarray(
      Float64Array.from({ length: n }, (_, i) => (from + i) * scale),
      [n],
    );
  const values = new Float64Array(n * keys.length);
  keys.forEach((key, k) => {
    for (let i = 0; i < n; i++) values[i * keys.length + k] = columns[key]?.[i] ?? NaN;
  });
  return {
    run: 'r',
    restart: false,
    keys,
    step: series(1),
    wall: series(1000),
    active: series(0.5),
    values: ndarray(values, [n, keys.length]),
  };
}

describe('CurvesBuffer', () => {
  it('joins events into whole columns, past its first capacity', () => {
    const buffer = new CurvesBuffer();
    for (let k = 0; k < 30; k++) buffer.append(rows(k * 20, { a: Array(20).fill(k) as number[] }));
    expect(buffer.length).toBe(600);
    expect(buffer.step.at(599)).toBe(599);
    expect(buffer.raw('a')?.[599]).toBe(29);
    expect(buffer.raw('missing')).toBeUndefined();
  });

  it('fills with NaN where a key came later or went away', () => {
    const buffer = new CurvesBuffer();
    buffer.append(rows(0, { a: [1, 2] }));
    buffer.append(rows(2, { b: [3] }));
    expect([...(buffer.raw('a') ?? [])]).toEqual([1, 2, NaN]);
    expect([...(buffer.raw('b') ?? [])]).toEqual([NaN, NaN, 3]);
  });

  it('extends the smoothed column as if it had been computed at once', () => {
    const buffer = new CurvesBuffer();
    const all = [5, 1, 4, 2, 8, 0.5];
    buffer.append(rows(0, { a: all.slice(0, 2) }));
    buffer.smooth('a', 0.6);
    buffer.append(rows(2, { a: all.slice(2) }));
    expect([...(buffer.smooth('a', 0.6) ?? [])]).toEqual([...smooth(all, 0.6)]);
    expect([...(buffer.smooth('a', 0.9) ?? [])]).toEqual([...smooth(all, 0.9)]);
  });

  it('has an x axis of every kind', () => {
    const buffer = new CurvesBuffer();
    buffer.append(rows(1, { a: [1, 2] }));
    expect([...buffer.axis('step', 8)]).toEqual([1, 2]);
    expect([...buffer.axis('images', 8)]).toEqual([8, 16]);
    buffer.append(rows(3, { a: [1] }));
    expect([...buffer.axis('images', 8)]).toEqual([8, 16, 24]);
    expect([...buffer.axis('images', 2)]).toEqual([2, 4, 6]);
    expect([...buffer.axis('active', 8)]).toEqual([0.5, 1, 1.5]);
    expect([...buffer.axis('wall', 8)]).toEqual([1000, 2000, 3000]);
  });

  it('starts over when cleared', () => {
    const buffer = new CurvesBuffer();
    buffer.append(rows(0, { a: [1, 2, 3] }));
    buffer.smooth('a', 0.6);
    buffer.clear();
    buffer.append(rows(0, { a: [9] }));
    expect(buffer.length).toBe(1);
    expect([...(buffer.smooth('a', 0.6) ?? [])]).toEqual([9]);
  });
});
