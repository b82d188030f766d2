import { describe, expect, it } from 'vitest';
import { bankOf } from '@shared/config/surgery';
import { editedRows, packRows, unpackRows, withBank } from './surgery';
import type { Looked, Row, Surroundings } from './surgery';

const DIM = 3;
const rowAt = (n: number): Row => ({
  params: Float32Array.of(n, 0, 0),
  m: Float32Array.of(n + 0.1, 1, 2),
  v: Float32Array.of(n + 0.2, 3, 4),
  ema: Float32Array.of(n + 0.5, 0, 0),
});

/** Six images: four of prototype 0, spread along the second axis; two of prototype 1, one far away. */
const LOOKED: Looked = {
  features: Float32Array.from([0, -2, 0, 0, -1, 0, 0, 1, 0, 0, 2, 0, 1, 0, 0, 100, 0, 0]),
  assignment: [0, 0, 0, 0, 1, 1],
  classes: null,
};

function around(given: Partial<Surroundings> = {}): Surroundings {
  return {
    rowOf: rowAt,
    usageOf: (id) => [0.6, 0.2, 0][id] ?? 0,
    looked: () => LOOKED,
    ...{ bank: bankOf(3), seed: 7, place: 0 },
    ...given,
  };
}

describe('the rows that an act gives', () => {
  it('split: two at plus and minus half a deviation along the features, moments copied', () => {
    const rows = editedRows({ kind: 'split', prototype: 0 }, around());
    expect([...rows.keys()]).toEqual([0, 3]);
    const [kept, made] = [rows.get(0) as Row, rows.get(3) as Row];
    const deviation = Math.sqrt((4 + 1 + 1 + 4) / 4);
    for (const role of ['params', 'ema'] as const) {
      const before = rowAt(0)[role];
      const away = kept[role].map((x, i) => x - (before[i] as number));
      expect(Math.abs(away[1] as number)).toBeCloseTo(deviation / 2, 6);
      expect(Math.hypot(...away)).toBeCloseTo(deviation / 2, 6);
      made[role].forEach((x, i) =>
        expect(x - (before[i] as number)).toBeCloseTo(-(away[i] as number), 6),
      );
    }
    expect([kept.m, made.m, kept.v, made.v]).toEqual([
      rowAt(0).m,
      rowAt(0).m,
      rowAt(0).v,
      rowAt(0).v,
    ]);
  });

  it('split of one without images: a small step along a drawn way, the same under one key', () => {
    const of = (place: number): number[] => [
      ...(editedRows({ kind: 'split', prototype: 2 }, around({ place })).get(2) as Row).params,
    ];
    const away = of(0).map((x, i) => x - (rowAt(2).params[i] as number));
    expect(Math.hypot(...away)).toBeCloseTo(0.01 * 2, 5);
    expect(of(0)).toEqual(of(0));
    expect(of(1)).not.toEqual(of(0));
  });

  it('merge: the mean of both weighted by use, moments and average too; alike where none is used', () => {
    const merged = editedRows({ kind: 'merge', prototype: 1, into: 0 }, around());
    expect([...merged.keys()]).toEqual([0]);
    const row = merged.get(0) as Row;
    expect(row.params[0]).toBeCloseTo(0.25, 6);
    expect(row.m[0]).toBeCloseTo(0.35, 6);
    expect(row.v[0]).toBeCloseTo(0.45, 6);
    expect(row.ema[0]).toBeCloseTo(0.75, 6);
    const unused = editedRows(
      { kind: 'merge', prototype: 1, into: 0 },
      around({ usageOf: () => 0 }),
    );
    expect(unused.get(0)?.params[0]).toBeCloseTo(0.5, 6);
  });

  it('revive and add: the feature of a far image, the average there too, moments zero', () => {
    for (const [act, id] of [
      [{ kind: 'revive', prototype: 2 } as const, 2],
      [{ kind: 'add' } as const, 3],
    ] as const) {
      const row = editedRows(act, around()).get(id) as Row;
      // Of the squared distances to the nearest prototype the last image has nearly all.
      expect([...row.params]).toEqual([100, 0, 0]);
      expect(row.ema).toEqual(row.params);
      expect([...row.m, ...row.v]).toEqual([0, 0, 0, 0, 0, 0]);
    }
  });

  it('revive of a class: only at images of that class', () => {
    const looked = (): Looked => ({ ...LOOKED, classes: Int32Array.of(0, 0, 2, 2, 1, 1) });
    const row = editedRows({ kind: 'revive', prototype: 2 }, around({ looked })).get(2) as Row;
    expect([1, 2]).toContain(row.params[1]);
    expect(row.params[0]).toBe(0);
  });

  it('where all images lie on prototypes one of them is taken all the same', () => {
    const looked = (): Looked => ({
      features: Float32Array.from([0, 0, 0, 1, 0, 0]),
      ...{ assignment: [0, 1], classes: null },
    });
    const row = editedRows({ kind: 'revive', prototype: 2 }, around({ looked })).get(2) as Row;
    expect([0, 1]).toContain(row.params[0]);
  });
});

describe('rows', () => {
  it('that were saved come back bit for bit', () => {
    const rows = [rowAt(1), rowAt(5)];
    const back = unpackRows(packRows(rows), [1, 5], DIM);
    expect([...back]).toEqual([
      [1, rows[0]],
      [5, rows[1]],
    ]);
    expect(() => unpackRows(packRows(rows), [1], DIM)).toThrow(RangeError);
  });

  it('of a flat vector are taken out, put in and kept, the rest of it stays', () => {
    const flat = Float32Array.from([0, 0, 1, 1, 2, 2, 7, 8, 9]);
    const rows = new Map([[4, Float32Array.of(4, 4)]]);
    expect([...withBank(flat, [0, 1, 2], [0, 2, 4], rows, 2)]).toEqual([0, 0, 2, 2, 4, 4, 7, 8, 9]);
    expect(() => withBank(flat, [0, 1, 2], [0, 5], new Map(), 2)).toThrow(RangeError);
  });
});
