import { describe, expect, it } from 'vitest';
import { FAMILY } from './family';
import type { Variant } from './family';
import {
  ActSchema,
  bankAfter,
  bankOf,
  history,
  listed,
  surgeryProblem,
  undoProblem,
} from './surgery';
import type { Act } from './surgery';

const start = bankOf(3);
const after = (...acts: Act[]): ReturnType<typeof bankAfter> =>
  bankAfter(start, history(start, acts));
const split = (prototype: number): Act => ({ kind: 'split', prototype });
const freeze = (prototype: number): Act => ({ kind: 'freeze', prototype });
const undo = (act: number): Act => ({ kind: 'undo', act });

describe('the bank after acts', () => {
  it('gives a number once: what is new is after all there have been', () => {
    expect(after(split(0), { kind: 'add' })).toEqual({ ids: [0, 1, 2, 3, 4], frozen: [], next: 5 });
    expect(after({ kind: 'add' }, { kind: 'remove', prototype: 3 }, { kind: 'add' })).toEqual({
      ...{ ids: [0, 1, 2, 4], frozen: [], next: 5 },
    });
    expect(after({ kind: 'merge', prototype: 0, into: 2 }).ids).toEqual([1, 2]);
  });

  it('keeps who is frozen until it is unfrozen or gone', () => {
    expect(after(freeze(2), freeze(0)).frozen).toEqual([0, 2]);
    expect(after(freeze(2), { kind: 'unfreeze', prototype: 2 }).frozen).toEqual([]);
    expect(after(freeze(2), { kind: 'remove', prototype: 2 })).toMatchObject({ frozen: [] });
  });

  it('is as before once all is undone, newest first, but for the numbers given', () => {
    const acts = [split(1), freeze(1), { kind: 'remove', prototype: 0 } as const];
    expect(after(...acts, undo(2), undo(1), undo(0))).toEqual({ ...start, next: 4 });
    expect(after(...acts, undo(2)).ids).toEqual([0, 1, 2, 3]);
  });

  it('undoes an undoing, and then the act again', () => {
    expect(after(split(1), undo(0), undo(1)).ids).toEqual([0, 1, 2, 3]);
    expect(after(split(1), undo(0), undo(1), undo(0)).ids).toEqual([0, 1, 2]);
  });

  it('undoes no act whose prototypes a later one changed, until that is undone', () => {
    const past = history(start, [split(1), freeze(3), freeze(0)]);
    expect(undoProblem(past, 0)).toMatch(/later act/);
    expect(undoProblem(past, 1)).toBeNull();
    expect(undoProblem(past, 2)).toBeNull();
    expect(() => after(split(1), freeze(3), undo(0))).toThrow(/undo that one first/);
    expect(undoProblem(history(start, [split(1), freeze(3), undo(1)]), 0)).toBeNull();
    expect(undoProblem(history(start, [split(1), undo(0)]), 0)).toMatch(/undone already/);
  });

  it.each([
    ['an unknown prototype', [{ kind: 'revive', prototype: 7 }], 'not_found', '0 to 2'],
    ['an act that is not there', [undo(0)], 'not_found', 'no such act'],
    ['one merged into itself', [{ kind: 'merge', prototype: 1, into: 1 }], 'bad_config', 'itself'],
    ['one that is frozen already', [freeze(1), freeze(1)], 'wrong_state', 'frozen already'],
    [
      'the revival of a frozen one',
      [freeze(1), { kind: 'revive', prototype: 1 }],
      'wrong_state',
      'frozen',
    ],
    ['one that is not frozen', [{ kind: 'unfreeze', prototype: 1 }], 'wrong_state', 'not frozen'],
    [
      'the last one',
      [0, 1, 2].map((prototype) => ({ kind: 'remove', prototype }) as const),
      'wrong_state',
      'last prototype',
    ],
  ] as [string, Act[], string, string][])('refuses %s', (_what, acts, code, words) => {
    expect(() => after(...acts)).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(words) as string }),
    );
  });

  it('of one prototype a class has a fixed number, and without a bank there is none', () => {
    const allowed = (variant: Variant): string[] =>
      ['split', 'merge', 'revive', 'freeze', 'unfreeze', 'add', 'remove', 'undo'].filter(
        (kind) => surgeryProblem({ variant }, kind as Act['kind']) === null,
      );
    expect(allowed('pdm')).toHaveLength(8);
    for (const variant of ['spdm', 'protodiffusion'] as const) {
      expect(allowed(variant)).toEqual(['revive', 'freeze', 'unfreeze', 'undo']);
      expect(surgeryProblem({ variant }, 'add')).toContain(FAMILY[variant].title);
    }
    expect(allowed('ddpm')).toEqual([]);
  });
});

it('the schema takes no act with a part too many, nor one that is none', () => {
  expect(ActSchema.safeParse({ kind: 'add', prototype: 1 }).success).toBe(false);
  expect(ActSchema.safeParse({ kind: 'explode' }).success).toBe(false);
  expect(ActSchema.safeParse({ kind: 'split', prototype: -1 }).success).toBe(false);
});

it('numbers are told as a range where they are one', () => {
  expect(listed([0, 1, 2])).toBe('0 to 2');
  expect(listed([0, 2, 5])).toBe('0, 2, 5');
});
