import { DEFAULT_KNOBS } from '@shared/config/knobs';
import { describe, expect, it } from 'vitest';
import { keptKnobs, Planned } from './planned';

const plan = [
  { at_step: 5, change: { lr: 1e-3 } },
  { at_step: 10, change: { lr: 2e-3 } },
  { at_step: 10, change: { tau: 2 } },
  { at_step: 15, change: { lr: 3e-3 } },
];
const entry = (applied_at_step: number, knob: 'lr' | 'tau', value: number) => ({
  ...{ applied_at_step, knob, value },
});

describe('planned changes', () => {
  it('come once, at their step edge, in order', () => {
    const planned = new Planned(plan, 0, []);
    expect(planned.due(0)).toEqual([]);
    expect(planned.due(5)).toEqual([{ lr: 1e-3 }]);
    expect(planned.due(5)).toEqual([]);
    expect(planned.due(10)).toEqual([{ lr: 2e-3 }, { tau: 2 }]);
    expect(planned.due(20)).toEqual([{ lr: 3e-3 }]);
  });

  it('that the journal has at the very step do not come again after a continuation', () => {
    expect(new Planned(plan, 10, [entry(10, 'lr', 2e-3)]).due(10)).toEqual([{ tau: 2 }]);
    expect(new Planned(plan, 10, []).due(10)).toEqual([{ lr: 2e-3 }, { tau: 2 }]);
    expect(new Planned(plan, 11, []).due(14)).toEqual([]);
  });

  it("wait for their step after a step back, while a person's change stays", () => {
    const knobs = { ...DEFAULT_KNOBS, lr: 1e-3 };
    const journal = [entry(5, 'lr', 1e-3), entry(10, 'lr', 2e-3), entry(12, 'tau', 4)];
    expect(keptKnobs(knobs, journal, plan, 8)).toEqual({ ...knobs, tau: 4 });
    expect(keptKnobs(knobs, [entry(10, 'lr', 7e-3)], plan, 8)).toEqual({ ...knobs, lr: 7e-3 });
    expect(keptKnobs(knobs, [entry(7, 'lr', 7e-3)], plan, 8)).toEqual(knobs);
  });
});
