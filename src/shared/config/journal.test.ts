import { describe, expect, it } from 'vitest';
import { parseJournal, planOf, printJournal } from './journal';
import { configFor } from './presets';

const config = configFor('tiny', { kind: 'digits' });
const entries = [
  { applied_at_step: 4, knob: 'lr' as const, value: 4e-3 },
  { applied_at_step: 4, knob: 'alpha' as const, value: 0.5 },
  { applied_at_step: 12, knob: 'lr' as const, value: 1e-4 },
];
const file = (changes: unknown): string =>
  JSON.stringify({ protodiff_journal: 1, run: 'r', config, changes });

describe('a journal as a file', () => {
  it('survives printing and parsing, one change an entry', () => {
    const changes = planOf(entries);
    expect(changes).toEqual([
      { at_step: 4, change: { lr: 4e-3 } },
      { at_step: 4, change: { alpha: 0.5 } },
      { at_step: 12, change: { lr: 1e-4 } },
    ]);
    expect(parseJournal(printJournal('r', config, changes))).toEqual({ run: 'r', config, changes });
  });

  it.each([
    ['{', /not whole JSON/],
    ['{}', /protodiff_journal/],
    [file([{ at_step: 1, change: { lr: 5 } }]), /changes\.0\.change\.lr/],
    [file([{ at_step: 1, change: {} }]), /name at least one knob/],
    [file([{ at_step: -1, change: { lr: 1e-3 } }]), /changes\.0\.at_step/],
    [
      file([
        { at_step: 2, change: { lr: 1e-3 } },
        { at_step: 1, change: { lr: 1e-3 } },
      ]),
      /in the order of their steps/,
    ],
  ])('is refused with a sentence: %s', (text, message) => {
    expect(() => parseJournal(text)).toThrow(message);
  });
});
