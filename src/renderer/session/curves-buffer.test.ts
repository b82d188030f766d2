import { ndarray } from '@shared/maths/ndarray';
import { smooth } from '@shared/maths/smooth';
import { describe, expect, it } from 'vitest';
import { CurvesBuffer } from './curves-buffer';
import type { Scale } from './curves-buffer';

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

const scale = (axis: Scale['axis'], batch = 8): Scale => ({ axis, batch, images: 80 });
const STEP = scale('step');

describe('CurvesBuffer', () => {
  it('joins events into whole columns, past its first capacity', () => {
    const buffer = new CurvesBuffer();
    for (let k = 0; k < 30; k++) buffer.append(rows(k * 20, { a: Array(20).fill(k) as number[] }));
    expect(buffer.length).toBe(600);
    expect(buffer.step.at(599)).toBe(599);
    expect(buffer.series('a', STEP, 0, false)?.raw.values[599]).toBe(29);
    expect(buffer.series('missing', STEP, 0, false)).toBeUndefined();
  });

  it('holds of a metric what was measured, and gives the rows back with the gaps', () => {
    const buffer = new CurvesBuffer();
    buffer.append(rows(0, { a: [1, 2] }));
    buffer.append(rows(2, { b: [3, NaN, 5] }));
    expect([...buffer.rows('a')]).toEqual([1, 2, NaN, NaN, NaN]);
    expect([...buffer.rows('b')]).toEqual([NaN, NaN, 3, NaN, 5]);
    const b = buffer.series('b', scale('images'), 0, false);
    expect([...(b?.raw.values ?? [])]).toEqual([3, 5]);
    expect([...(b?.step ?? [])]).toEqual([2, 4]);
    expect([...(b?.x ?? [])]).toEqual([16, 32]);
    expect(buffer.keys).toEqual(['a', 'b']);
    expect(buffer.bounds('b')).toEqual({ last: 5, best: 3, bestStep: 2 });
  });

  it('extends the smoothed column as if it had been computed at once', () => {
    const buffer = new CurvesBuffer();
    const all = [5, 1, 4, 2, 8, 0.5];
    const smoothed = (weight: number): number[] => [
      ...(buffer.series('a', STEP, weight, false)?.smoothed.values ?? []),
    ];
    buffer.append(rows(0, { a: all.slice(0, 2) }));
    smoothed(0.6);
    buffer.append(rows(2, { a: all.slice(2) }));
    expect(smoothed(0.6)).toEqual([...smooth(all, 0.6)]);
    expect(smoothed(0.999)).toEqual([...smooth(all, 0.999)]);
    expect(smoothed(0)).toEqual(all);
  });

  it('leaves out and counts what a log axis cannot show, as rows arrive', () => {
    const buffer = new CurvesBuffer();
    buffer.append(rows(0, { a: [1, 0, 2] }));
    expect(buffer.series('a', STEP, 0, true)).toMatchObject({ dropped: 1 });
    buffer.append(rows(3, { a: [-1, 3] }));
    const series = buffer.series('a', STEP, 0, true);
    expect(series?.dropped).toBe(2);
    expect([...(series?.raw.values ?? [])]).toEqual([1, NaN, 2, NaN, 3]);
    expect(buffer.series('a', STEP, 0, false)?.dropped).toBe(0);
  });

  it('has an x axis of every kind', () => {
    const buffer = new CurvesBuffer();
    buffer.append(rows(1, { a: [1, 2] }));
    expect([...buffer.axis(STEP)]).toEqual([1, 2]);
    expect([...buffer.axis(scale('images'))]).toEqual([8, 16]);
    buffer.append(rows(3, { a: [1] }));
    expect([...buffer.axis(scale('images'))]).toEqual([8, 16, 24]);
    expect([...buffer.axis(scale('images', 2))]).toEqual([2, 4, 6]);
    expect([...buffer.axis(scale('active'))]).toEqual([0.5, 1, 1.5]);
    expect([...buffer.axis(scale('wall'))]).toEqual([1000, 2000, 3000]);
    // The steps took 0.5 s each, a second passed between two of them.
    expect([...buffer.axis(scale('elapsed'))]).toEqual([0.5, 1.5, 2.5]);
  });

  it('starts over when cleared', () => {
    const buffer = new CurvesBuffer();
    buffer.append(rows(0, { a: [1, 2, 3] }));
    buffer.series('a', scale('images'), 0.6, true);
    buffer.clear();
    buffer.append(rows(0, { a: [9] }));
    expect(buffer.length).toBe(1);
    expect([...(buffer.series('a', scale('images'), 0.6, true)?.x ?? [])]).toEqual([0]);
  });
});
