import { describe, expect, it } from 'vitest';
import { Planned } from './planned';

const plan = [
  { at_step: 5, change: { lr: 1e-3 } },
  { at_step: 10, change: { lr: 2e-3 } },
  { at_step: 10, change: { tau: 2 } },
  { at_step: 15, change: { lr: 3e-3 } },
];
const due = (planned: Planned, step: number) =>
  planned.due(step).map((each) => ('change' in each ? each.change : each.act));
const entry = (applied_at_step: number, knob: 'lr' | 'tau', value: number) => ({
  ...{ applied_at_step, knob, value },
});

describe('planned changes', () => {
  it('come once, at their step edge, in order', () => {
    const planned = new Planned(plan, 0, []);
    expect(due(planned, 0)).toEqual([]);
    expect(due(planned, 5)).toEqual([{ lr: 1e-3 }]);
    expect(due(planned, 5)).toEqual([]);
    expect(due(planned, 10)).toEqual([{ lr: 2e-3 }, { tau: 2 }]);
    expect(due(planned, 20)).toEqual([{ lr: 3e-3 }]);
  });

  it('that the journal has at the very step do not come again after a continuation', () => {
    expect(due(new Planned(plan, 10, [entry(10, 'lr', 2e-3)]), 10)).toEqual([{ tau: 2 }]);
    expect(due(new Planned(plan, 10, []), 10)).toEqual([{ lr: 2e-3 }, { tau: 2 }]);
    expect(due(new Planned(plan, 11, []), 14)).toEqual([]);
  });

  it('of which a kill let only a part be written are made as for the rest', () => {
    const both = [{ at_step: 5, change: { lr: 1e-3, tau: 2 } }];
    expect(new Planned(both, 3, [entry(5, 'lr', 1e-3)]).due(5)).toEqual([
      { at_step: 5, change: { lr: 1e-3 }, journaled: true },
      { at_step: 5, change: { tau: 2 }, journaled: false },
    ]);
  });

  it('of the journal after the step are made again at their steps, and not written again', () => {
    const journal = [entry(5, 'lr', 1e-3), entry(10, 'lr', 2e-3), entry(12, 'tau', 4)];
    const planned = new Planned(plan, 8, journal);
    expect(planned.replaying).toBe(true);
    expect(planned.due(10)).toEqual([
      { at_step: 10, change: { lr: 2e-3 }, journaled: true },
      { at_step: 10, change: { tau: 2 }, journaled: false },
    ]);
    planned.unwritten();
    expect(planned.due(12)).toEqual([{ at_step: 12, change: { tau: 4 }, journaled: false }]);
    expect(planned.replaying).toBe(false);
  });

  it('of a person are forgotten when another way is taken, those planned are not', () => {
    const planned = new Planned(plan, 8, [entry(10, 'lr', 2e-3), entry(12, 'tau', 4)]);
    planned.forget();
    expect(planned.due(99).map(({ at_step, journaled }) => [at_step, journaled])).toEqual([
      [10, false],
      [10, false],
      [15, false],
    ]);
  });
});
