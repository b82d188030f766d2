import { expect, it } from 'vitest';
import { spaced, superseded } from './retention';
import { SEED, seeded } from './testing/random';

/** What is left when a checkpoint is written at each of `steps` and the others go each time. */
function kept(steps: readonly number[], keep: number): number[] {
  let rows: number[] = [];
  for (const step of steps) {
    rows.push(step);
    const stay = spaced(rows, keep);
    rows = rows.filter((each) => stay.has(each));
  }
  return rows;
}

it.each([1, 3, 10])(
  'of 400 checkpoints keeps the newest %i, the first, and one near any age',
  (keep) => {
    const every = 500;
    const steps = Array.from({ length: 400 }, (_, i) => (i + 1) * every);
    const rows = kept(steps, keep);
    const newest = rows.at(-1) ?? 0;
    expect(rows.slice(-keep)).toEqual(steps.slice(-keep));
    expect(rows[0]).toBe(every);
    expect(rows.length).toBeLessThanOrEqual(keep + 2 * Math.log2(400));
    for (const step of steps) {
      // The nearest one at or before a step is at most as far from it as twice the step's age.
      const before = rows.filter((each) => each <= step).at(-1) ?? NaN;
      expect(step - before).toBeLessThanOrEqual(2 * Math.max(every, newest - step));
    }
  },
);

it(`never misses a checkpoint that a longer history would keep (seed ${SEED})`, () => {
  const random = seeded(SEED);
  for (let round = 0; round < 200; round++) {
    const steps: number[] = [];
    for (let step = 0; steps.length < 60;) steps.push((step += 1 + random(900)));
    expect(kept(steps, 2)).toEqual([...spaced(steps, 2)].sort((a, b) => a - b));
  }
});

it('keeps what a person or a branch refers to, and the newest before a change', () => {
  const rows = Array.from({ length: 200 }, (_, i) => ({
    ...{ step: (i + 1) * 10, file: '', sha256: '', bytes: 0, wall: 0 },
  }));
  const changed = Array.from({ length: 20 }, (_, i) => 110 + 30 * i);
  const gone = new Set(superseded(rows, 3, [70, 75], changed).map(({ step }) => step));
  const stays = (step: number): boolean => !gone.has(step);
  expect(stays(70)).toBe(true);
  expect(changed.slice(-8).every(stays)).toBe(true);
  expect(changed.every(stays)).toBe(false);
  expect(rows.length - gone.size).toBeLessThan(3 + 2 * 11 + 8 + 1);
});
