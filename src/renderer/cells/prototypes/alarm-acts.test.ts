import { bankOf, history } from '@shared/config/surgery';
import type { Act } from '@shared/config/surgery';
import { configFor } from '@shared/config/presets';
import type { Alarm } from '@shared/prototype-alarms';
import { describe, expect, it } from 'vitest';
import { actWords, undoWords } from '../../components/act-text';
import { actsOn } from './alarm-acts';

const config = configFor('quick', { kind: 'digits' });
const about = (kind: Alarm['kind'], ...prototypes: number[]): Alarm => ({
  ...{ kind, prototypes, value: 0, limit: 0, suggestion: '' },
});
function after(...acts: Act[]) {
  const first = bankOf(10);
  const past = history(first, acts);
  const entries = acts.map((act, seq) => ({ seq, applied_at_step: 100, act, wall: 0 }));
  return { bank: past.at(-1)?.after ?? first, past, acts: entries };
}
const offered = (alarm: Alarm, step: number, ...acts: Act[]): string[] =>
  actsOn(alarm, config, after(...acts), step).map(({ words }) => words);

describe('what an alarm offers', () => {
  it('is reviving the dead and merging twins, of those that are there and train', () => {
    expect(offered(about('dead', 1, 4), 100)).toEqual(['Revive p1', 'Revive p4']);
    expect(offered(about('twins', 3, 7), 100)).toEqual(['Merge p7 into p3']);
    expect(offered(about('collapse', 2), 100)).toEqual([]);
    const [freeze, remove] = [1, 4].map((prototype, i): Act => ({
      ...{ kind: i === 0 ? 'freeze' : 'remove', prototype },
    }));
    if (!freeze || !remove) throw new Error('acts are missing');
    expect(offered(about('dead', 1, 4, 5), 100, freeze, remove)).toEqual(['Revive p5']);
  });

  it('is no second revival before the shares can tell of the first', () => {
    const revive: Act = { kind: 'revive', prototype: 1 };
    expect(offered(about('dead', 1), 110, revive)).toEqual([]);
    expect(offered(about('dead', 1), 140, revive)).toEqual(['Revive p1']);
    expect(offered(about('dead', 1), 110, revive, { kind: 'undo', act: 0 })).toEqual(['Revive p1']);
  });

  it('is nothing that a model with one prototype a class cannot do', () => {
    const spdm = { ...config, model: { ...config.model, variant: 'spdm' as const } };
    expect(actsOn(about('twins', 3, 7), spdm, after(), 1)).toEqual([]);
    expect(actsOn(about('dead', 3), spdm, after(), 1)).toHaveLength(1);
  });
});

it('acts and their undoing in words', () => {
  const { past } = after(
    { kind: 'split', prototype: 3 },
    { kind: 'freeze', prototype: 10 },
    { kind: 'undo', act: 1 },
    { kind: 'merge', prototype: 10, into: 3 },
    { kind: 'add' },
  );
  expect(past.map((done) => actWords(done, past))).toEqual([
    'p3 split into p3 and p10',
    'p10 frozen',
    'undone: p10 frozen',
    'p10 merged into p3',
    'p11 added',
  ]);
  expect(past.slice(0, 2).map(undoWords)).toEqual([
    expect.stringContaining('Puts back the rows'),
    expect.stringContaining('reverse act'),
  ]);
});
