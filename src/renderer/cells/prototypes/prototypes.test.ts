import { ndarray } from '@shared/maths/ndarray';
import { stream } from '@shared/maths/rng';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Snapshot } from '../../session/prototype-history';
import { alarmOf, alarmWords, listed } from './alarm-words';
import { figuresOf, nearestPrototypes } from './figures';
import { measuredAt, meanSwap, percentTick, roundTop } from './gauges';
import { between, nearestPoint, neighbour, scaleOf } from './map-geometry';
import { sparkPath } from './spark';
import { mapSummary } from './summary';
import { umapLayout } from './umap-layout';

/** Two prototypes on a line at 0 and 10; images at 1, 2, 8 and 4, the last given to the farther one. */
function snapshot(): Snapshot {
  return {
    ...{ step: 1200, wall: 0, assignments: 1000, perplexity: 1.9 },
    ...{ churn: null, purity: null, nmi: null, swaps: [], shown: 0.41 },
    ids: ndarray(Int32Array.of(0, 1), [2]),
    bank: ndarray(Float32Array.of(0, 0, 10, 0), [2, 2]),
    features: ndarray(Float32Array.of(1, 0, 2, 0, 8, 0, 4, 0), [4, 2]),
    assignment: ndarray(Int32Array.of(0, 0, 1, 1), [4]),
    usage: ndarray(Float32Array.of(0.625, 0.375), [2]),
    plane: new Float64Array(12),
    alarms: () => [
      { kind: 'twins', prototypes: [0, 1], value: 0.97, limit: 0.95, suggestion: 'Raise β.' },
    ],
  };
}

describe('figures of a prototype', () => {
  it('are its margin, its nearest images and its classes', () => {
    const [first, second] = figuresOf(snapshot(), Int32Array.of(7, 7, 3, 3));
    expect(first).toEqual({
      images: 2,
      margin: (10 - 1 - 1 + (10 - 2 - 2)) / 2,
      nearest: [0, 1, 3, 2],
      classes: [{ label: 7, share: 1 }],
    });
    // The image at 4 is nearer to the other: it takes from the margin.
    expect(second?.margin).toBe((8 - 2 + (4 - 6)) / 2);
    expect(figuresOf(snapshot())[0]?.classes).toEqual([]);
  });

  it('knows the nearest other prototypes by their numbers', () => {
    const bank = ndarray(Float32Array.of(0, 0, 9, 0, 2, 0), [3, 2]);
    const ids = ndarray(Int32Array.of(0, 4, 7), [3]);
    expect(nearestPrototypes({ bank, ids }, 0)).toEqual([7, 4]);
    expect(nearestPrototypes({ bank, ids }, 1, 1)).toEqual([7]);
  });

  it('has no margin alone, or without images', () => {
    const alone = snapshot();
    alone.bank = ndarray(Float32Array.of(0, 0), [1, 2]);
    alone.assignment = ndarray(new Int32Array(4), [4]);
    expect(figuresOf(alone)[0]?.margin).toBeNull();
    const unused = { ...snapshot(), assignment: ndarray(new Int32Array(4), [4]) };
    expect(figuresOf(unused)[1]).toMatchObject({ images: 0, margin: null });
  });
});

describe('words', () => {
  it('name prototypes, alarms and their limits', () => {
    expect([listed([3]), listed([3, 7]), listed([1, 2, 3]), listed([1, 2, 3], 2)]).toEqual([
      '3',
      '3 and 7',
      '1, 2 and 3',
      '1, 2 and 1 more',
    ]);
    const alarm = { suggestion: '', limit: 1 / 120, value: 0.002, prototypes: [11] };
    expect(alarmWords({ ...alarm, kind: 'dead' })).toEqual({
      fact: 'Prototype 11 is dead.',
      figure: 'It holds 0.2 % of the last 1,000 assignments, the limit is 0.8 %.',
    });
    const alarms = snapshot().alarms();
    expect(alarmWords(alarms[0] as (typeof alarms)[0])).toEqual({
      fact: 'Prototypes 0 and 1 are twins.',
      figure: 'Their cosine is 0.97, the limit is 0.95.',
    });
    expect([alarmOf(alarms, 0), alarmOf(alarms, 2)]).toEqual(['twin of 1', undefined]);
  });

  it('tell of the map', () => {
    expect(mapSummary(snapshot(), snapshot().shown, (p) => (p === 0 ? 'ones' : ''))).toBe(
      'Map of 2 prototypes and the features of 4 probe images at step 1,200, 41.0 % of their variance. Perplexity 1.9 of 2. The largest share has prototype 0, ones, 62.5 %; the smallest prototype 1, 37.5 %. Prototypes 0 and 1 are twins. Their cosine is 0.97, the limit is 0.95.',
    );
  });

  it('tell how much the prototype matters, at the newest measurement', () => {
    const at = (step: number, ...changes: number[]): Snapshot => ({
      ...snapshot(),
      step,
      swaps: changes.map((change, i) => ({ t: 100 * i, change })),
    });
    const all = [at(0, 0.1, 0.3), at(10), at(20, 0.5)];
    expect(meanSwap(all[0] as Snapshot)).toBeCloseTo(0.2, 12);
    expect(meanSwap(all[1] as Snapshot)).toBeNull();
    expect([0, 15, 99].map((step) => measuredAt(all, step)?.step)).toEqual([0, 0, 20]);
    expect(measuredAt([at(3)], 9)).toBeUndefined();
    expect([percentTick(0.2), percentTick(0.00512)]).toEqual(['20 %', '0.51 %']);
    expect(sparkPath([0, 2, 1], 12, 12)).toBe('M1.0 11.0L6.0 1.0L11.0 6.0');
    expect(sparkPath([2, null, 1], 12, 12)).toBe('M1.0 1.0M11.0 6.0');
  });
});

it.each([
  [0.74, 0.8],
  [0.0102, 0.015],
  [0.01, 0.01],
  [0.3, 0.3],
  [1, 1],
])('an axis that holds %d ends at %d', (value, top) => {
  expect(roundTop(value)).toBe(top);
});

describe('the map', () => {
  const coordinate = fc.integer({ min: -100, max: 100 });

  it('keeps all of the extent inside, one scale for both axes', () => {
    fc.assert(
      fc.property(coordinate, coordinate, coordinate, coordinate, (a, b, c, d) => {
        const extent = {
          x: [Math.min(a, b), Math.max(a, b)] as const,
          y: [Math.min(c, d), Math.max(c, d)] as const,
        };
        const { x, y } = scaleOf(extent, { width: 540, height: 352 });
        for (const value of extent.x)
          expect(Math.abs(x(value) - 270)).toBeLessThanOrEqual(270 - 25);
        for (const value of extent.y)
          expect(Math.abs(y(value) - 176)).toBeLessThanOrEqual(176 - 25);
        expect(x(1) - x(0)).toBeCloseTo(y(0) - y(1), 9);
      }),
    );
  });

  it('goes between snapshots, and finds what is pointed at', () => {
    const [a, b] = [Float64Array.of(0, 4), Float64Array.of(2, 0)];
    expect([...between(a, b, 0.25)]).toEqual([0.5, 3]);
    expect(between(a, b, 0)).toBe(a);
    const points = [
      [0, 0],
      [10, 0],
    ] as const;
    expect([nearestPoint(points, 8, 1, 5), nearestPoint(points, 5, 40, 5)]).toEqual([1, -1]);
  });

  it('is walked by arrow keys: on to what lies ahead, and never off the map', () => {
    const points = [
      [0, 0],
      [10, 1],
      [4, 30],
      [-6, -2],
    ] as const;
    expect(neighbour(points, 0, 'ArrowRight')).toBe(1);
    expect(neighbour(points, 0, 'ArrowDown')).toBe(2);
    expect(neighbour(points, 0, 'ArrowLeft')).toBe(3);
    expect(neighbour(points, 1, 'ArrowRight')).toBe(1);
  });
});

describe('UMAP', () => {
  it('keeps clusters together, repeats exactly, and tells how far it is', () => {
    const [n, d] = [60, 8];
    const rng = stream(3, 'layout', 4);
    const rows = Float32Array.from(
      { length: n * d },
      (_, i) => 20 * (Math.floor(i / d) % 3) * (i % d === 0 ? 1 : 0) + rng.normal(),
    );
    const told: number[] = [];
    const positions = umapLayout({ rows, n, d, seed: 42 }, (done, total) =>
      told.push(done / total),
    );
    expect(told[told.length - 1]).toBe(1);
    expect(umapLayout({ rows, n, d, seed: 42 }, () => undefined)).toEqual(positions);
    const apart = (a: number, b: number): number =>
      Math.hypot(
        (positions[2 * a] ?? 0) - (positions[2 * b] ?? 0),
        (positions[2 * a + 1] ?? 0) - (positions[2 * b + 1] ?? 0),
      );
    const nearest = Array.from({ length: n }, (_, i) => {
      const others = Array.from({ length: n }, (_unused, j) => j).filter((j) => j !== i);
      return others.sort((a, b) => apart(i, a) - apart(i, b))[0] ?? -1;
    });
    expect(nearest.every((j, i) => j % 3 === i % 3)).toBe(true);
    expect(() => umapLayout({ rows, n: 3, d, seed: 1 }, () => undefined)).toThrow(RangeError);
  });
});
