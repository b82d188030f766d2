import { KNOB_NAMES } from '@shared/config/knobs';
import type { KnobChange, KnobName, Knobs } from '@shared/config/knobs';
import type { JournalPlan } from '@shared/config/journal';
import type { JournalEntry } from '@shared/protocol/contract';

type Change = Pick<JournalEntry, 'applied_at_step' | 'knob' | 'value'>;

export interface Due {
  at_step: number;
  change: KnobChange;
  /** It stands in the journal: its step is done again after a crash, and so is the change. */
  journaled: boolean;
}

/** The changes that are still to be made, handed out at their step edges. */
export class Planned {
  private waiting: Due[];

  /**
   * @param step     steps completed; what is planned before them has been made
   * @param journal  of the run as it was left: what it has after `step` is made again, what it has
   *   of the plan is not made twice
   */
  constructor(
    private readonly plan: JournalPlan,
    step: number,
    journal: readonly Change[],
  ) {
    const again = journal
      .filter(({ applied_at_step }) => applied_at_step > step)
      .map(({ applied_at_step: at_step, knob, value }) => ({
        ...{ at_step, change: { [knob]: value }, journaled: true },
      }));
    // Knob by knob: a kill may fall between two entries of one change.
    const made = (at_step: number, name: string, to: number): boolean =>
      journal.some(
        ({ applied_at_step, knob, value }) =>
          applied_at_step === at_step && knob === name && value === to,
      );
    const planned = plan
      .filter(({ at_step }) => at_step >= step)
      .map(({ at_step, change }) => ({
        at_step,
        change: Object.fromEntries(
          Object.entries(change).filter(([knob, value]) => !made(at_step, knob, value)),
        ),
        journaled: false,
      }))
      .filter(({ change }) => Object.keys(change).length > 0);
    this.waiting = [...again, ...planned].sort((one, other) => one.at_step - other.at_step);
  }

  /** There are changes of the journal that are still to be made again. */
  get replaying(): boolean {
    return this.waiting.some(({ journaled }) => journaled);
  }

  /** Changes due at the edge after `step` steps, in order; each is given once. */
  due(step: number): Due[] {
    let n = 0;
    while ((this.waiting[n]?.at_step ?? Infinity) <= step) n += 1;
    return this.waiting.splice(0, n);
  }

  /** The journal of later steps is gone: its changes are to be written again. */
  unwritten(): void {
    this.waiting = this.waiting.map((each) => ({ ...each, journaled: false }));
  }

  /** Someone steers another way: of the later changes only those planned stay. */
  forget(): void {
    this.waiting = this.waiting.filter(({ at_step, change, journaled }) => {
      return (
        !journaled || this.plan.some((each) => each.at_step === at_step && holds(each, change))
      );
    });
    this.unwritten();
  }
}

function holds(planned: JournalPlan[number], change: KnobChange): boolean {
  return KNOB_NAMES.every(
    (knob) => change[knob] === undefined || planned.change[knob] === change[knob],
  );
}

/** The knobs in force at the edge after `step` steps: start values with the journal up to there. */
export function knobsAt(start: Knobs, journal: readonly Change[], step: number): Knobs {
  const knobs = { ...start };
  for (const { applied_at_step, knob, value } of journal) {
    if (applied_at_step <= step) knobs[knob] = value;
  }
  return knobs;
}

/** The knobs whose value differs, in the table's order. */
export function differing(before: Knobs, after: Knobs): KnobName[] {
  return KNOB_NAMES.filter((knob) => before[knob] !== after[knob]);
}
