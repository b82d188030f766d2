import { expect, it } from 'vitest';
import { newName, parseRunId, RUN_ID, runId, WORDS } from './run-name';
import { seeded } from './testing/random';

it('has word lists without doubles, each word fit for an id', () => {
  for (const words of Object.values(WORDS)) {
    expect(new Set(words).size).toBe(words.length);
    expect(words.length).toBeGreaterThanOrEqual(60);
    for (const word of words) expect(word).toMatch(/^[a-z]{3,9}$/);
  }
});

it('never gives a name twice, even when all pairs are used up', () => {
  const taken = new Set<string>();
  const pick = seeded(1);
  const pairs = WORDS.adjectives.length * WORDS.nouns.length;
  for (let i = 0; i < pairs + 200; i++) {
    const name = newName(taken, pick);
    expect(taken.has(name)).toBe(false);
    taken.add(name);
    expect(runId(0, name)).toMatch(RUN_ID);
  }
});

it('makes ids that tell their time and name, and sort by time', () => {
  const created = Date.UTC(2026, 11, 31, 23, 59, 58);
  const id = runId(created, 'brisk-heron');
  expect(id).toBe('20261231-235958-brisk-heron');
  expect(parseRunId(id)).toEqual({ created, name: 'brisk-heron' });
  expect(runId(created + 2000, 'amber-acorn') > id).toBe(true);
});

it.each(['backup', '20261231-brisk-heron', '20269931-235958-brisk-heron', '20261231-235958-x'])(
  'does not take %s for an id of its own making',
  (id) => expect(parseRunId(id)).toBeNull(),
);
