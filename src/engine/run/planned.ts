import { KNOB_NAMES } from '@shared/config/knobs';
import type { KnobChange, KnobName, Knobs } from '@shared/config/knobs';
import type { JournalPlan } from '@shared/config/journal';
import type { Act } from '@shared/config/surgery';
import type { ActEntry, JournalEntry } from '@shared/protocol/contract';

type Change = Pick<JournalEntry, 'applied_at_step' | 'knob' | 'value'>;

export type Due = { at_step: number } & (
  | {
      change: KnobChange;
      /** It stands in the journal: its step is done again after a crash, and so is the change. */
      journaled: boolean;
    }
  | {
      act: Act;
      /** Its entry, where it stands in the journal. */
      journaled: ActEntry | null;
    }
);

/** The acts of a journal, and how many of them a state has behind it: several may stand at one step. */
interface Acts {
  entries: readonly ActEntry[];
  seen: number;
}

/** The changes and acts that are still to be made, handed out at their step edges. */
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
    { entries, seen }: Acts = { entries: [], seen: 0 },
  ) {
    const again: Due[] = [
      ...journal
        .filter(({ applied_at_step }) => applied_at_step > step)
        .map(({ applied_at_step: at_step, knob, value }) => ({
          ...{ at_step, change: { [knob]: value }, journaled: true },
        })),
      ...entries.slice(seen).map((entry) => ({
        ...{ at_step: entry.applied_at_step, act: entry.act, journaled: entry },
      })),
    ];
    // Knob by knob: a kill may fall between two entries of one change.
    const made = (at_step: number, name: string, to: number): boolean =>
      journal.some(
        ({ applied_at_step, knob, value }) =>
          applied_at_step === at_step && knob === name && value === to,
      );
    const left = [...entries];
    const planned = plan
      .filter(({ at_step }) => at_step >= step)
      .flatMap((each): Due[] => {
        const { at_step } = each;
        if ('act' in each) {
          const found = left.findIndex((entry) => stands(entry, each));
          if (found < 0) return [{ at_step, act: each.act, journaled: null }];
          left.splice(found, 1);
          return [];
        }
        const change = Object.fromEntries(
          Object.entries(each.change).filter(([knob, value]) => !made(at_step, knob, value)),
        );
        return Object.keys(change).length > 0 ? [{ at_step, change, journaled: false }] : [];
      });
    this.waiting = [...again, ...planned].sort((one, other) => one.at_step - other.at_step);
  }

  /** There is something of the journal that is still to be made again. */
  get replaying(): boolean {
    return this.waiting.some(({ journaled }) => journaled);
  }

  /** Something is due at the edge after `step` steps. */
  pending(step: number): boolean {
    return (this.waiting[0]?.at_step ?? Infinity) <= step;
  }

  /** What is due at the edge after `step` steps, in order; each is given once. */
  due(step: number): Due[] {
    let n = 0;
    while ((this.waiting[n]?.at_step ?? Infinity) <= step) n += 1;
    return this.waiting.splice(0, n);
  }

  /** The journal of later steps is gone: its entries are to be written again. */
  unwritten(): void {
    this.waiting = this.waiting.map((each) =>
      'act' in each ? { ...each, journaled: null } : { ...each, journaled: false },
    );
  }

  /** Someone steers another way: of what comes later only what is planned stays. */
  forget(): void {
    this.waiting = this.waiting.filter(
      (due) => !due.journaled || this.plan.some((each) => holds(each, due)),
    );
    this.unwritten();
  }
}

function stands({ applied_at_step, act }: ActEntry, planned: JournalPlan[number]): boolean {
  return applied_at_step === planned.at_step && 'act' in planned && same(act, planned.act);
}

function holds(planned: JournalPlan[number], due: Due): boolean {
  if (planned.at_step !== due.at_step) return false;
  if ('act' in due) return 'act' in planned && same(due.act, planned.act);
  return (
    'change' in planned &&
    KNOB_NAMES.every(
      (knob) => due.change[knob] === undefined || planned.change[knob] === due.change[knob],
    )
  );
}

function same(one: Act, other: Act): boolean {
  const keys = Object.keys(one) as (keyof Act)[];
  return keys.length === Object.keys(other).length && keys.every((key) => one[key] === other[key]);
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
