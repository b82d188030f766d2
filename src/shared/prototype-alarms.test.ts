import { describe, expect, it } from 'vitest';
import { perplexityOf } from './maths/clusters';
import { ndarray } from './maths/ndarray';
import { deadPrototypes, prototypeAlarms } from './prototype-alarms';
import type { BankState } from './prototype-alarms';

/** Unit vectors at these angles, in degrees. */
function state(usage: number[], degrees: number[], assignments = 1000): BankState {
  const rows = degrees.flatMap((angle) => {
    const radians = (angle * Math.PI) / 180;
    return [3 * Math.cos(radians), 3 * Math.sin(radians)];
  });
  const k = usage.length;
  return {
    bank: ndarray(Float32Array.from(rows), [k, 2]),
    usage: ndarray(Float32Array.from(usage), [k]),
    assignments,
    perplexity: assignments === 0 ? null : perplexityOf(usage),
  };
}
const apart = [0, 90, 180, 270];

describe('alarms about a bank', () => {
  it('are none for an even use of unlike prototypes', () => {
    expect(prototypeAlarms(state([0.25, 0.25, 0.25, 0.25], apart))).toEqual([]);
  });

  it('name the dead: a share below 1 / (10 K)', () => {
    const alarms = prototypeAlarms(state([0.02, 0.45, 0.26, 0.27], apart));
    expect(alarms).toMatchObject([{ kind: 'dead', prototypes: [0], limit: 0.025 }]);
    expect(alarms[0]?.value).toBeCloseTo(0.02, 6);
    expect(alarms[0]?.suggestion).toContain('K = 3');
    expect(prototypeAlarms(state([0.03, 0.45, 0.26, 0.26], apart))).toEqual([]);
  });

  it('name prototypes by their numbers, where these are not their rows', () => {
    const numbered = { ...state([0.02, 0.45, 0.26, 0.27], apart) };
    const ids = ndarray(Int32Array.of(2, 3, 5, 8), [4]);
    expect(prototypeAlarms({ ...numbered, ids })[0]?.prototypes).toEqual([2]);
  });

  it('name a collapse: a perplexity below K / 2, with what is left in use', () => {
    const alarms = prototypeAlarms(state([0.98, 0, 0.02, 0], apart));
    expect(alarms.map(({ kind, prototypes }) => [kind, prototypes])).toEqual([
      ['collapse', [0]],
      ['dead', [1, 2, 3]],
    ]);
    expect(alarms[0]?.value).toBeCloseTo(perplexityOf([0.98, 0.02]), 6);
    expect(alarms[0]?.limit).toBe(2);
  });

  it('say nothing about use before there is enough of it', () => {
    const early = state([1, 0, 0, 0], apart, 79);
    expect(prototypeAlarms(early)).toEqual([]);
    expect(deadPrototypes(early)).toEqual([]);
    expect(prototypeAlarms(state([0, 0, 0, 0], apart, 0))).toEqual([]);
    expect(deadPrototypes({ ...early, assignments: 80 })).toEqual([1, 2, 3]);
  });

  it('group twins: cosine above 0.95, which is an angle below 18.2 degrees', () => {
    const even = [0.25, 0.25, 0.25, 0.25];
    expect(prototypeAlarms(state(even, [0, 19, 90, 180]))).toEqual([]);
    const [pair] = prototypeAlarms(state(even, [0, 17, 90, 180]));
    expect(pair).toMatchObject({ kind: 'twins', prototypes: [0, 1], limit: 0.95 });
    expect(pair?.value).toBeCloseTo(Math.cos((17 * Math.PI) / 180), 6);
    // 0 to 2 by way of 1, and none of them with 3.
    const chain = prototypeAlarms(state(even, [0, 30, 15, 200]));
    expect(chain.map(({ prototypes }) => prototypes)).toEqual([[0, 1, 2]]);
    const two = prototypeAlarms(state(even, [0, 180, 5, 175]));
    expect(two.map(({ prototypes }) => prototypes)).toEqual([
      [0, 2],
      [1, 3],
    ]);
  });

  it('stay silent about a prototype of length 0', () => {
    const bank = ndarray(Float32Array.of(0, 0, 1, 0), [2, 2]);
    expect(prototypeAlarms({ ...state([0.5, 0.5], [0, 90]), bank })).toEqual([]);
  });
});
