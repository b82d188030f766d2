import { KNOB_NAMES } from '@shared/config/knobs';
import type { KnobChange, KnobName, Knobs } from '@shared/config/knobs';
import type { JournalPlan } from '@shared/config/journal';
import type { JournalEntry } from '@shared/protocol/contract';

type Change = Pick<JournalEntry, 'applied_at_step' | 'knob' | 'value'>;

/** The planned changes that are still to be made, handed out at their step edges. */
export class Planned {
  private readonly waiting: JournalPlan;

  /**
   * @param step     steps completed; what is planned before them has been made
   * @param journal  of the run up to there: what it has of the plan at this very step is made, too
   */
  constructor(plan: JournalPlan, step: number, journal: readonly Change[]) {
    const made = ({ at_step, change }: JournalPlan[number]): boolean =>
      journal.some(
        ({ applied_at_step, knob, value }) => applied_at_step === at_step && change[knob] === value,
      );
    this.waiting = plan.filter(
      (each) => each.at_step > step || (each.at_step === step && !made(each)),
    );
  }

  /** Changes due at the edge after `step` steps, in order; each is given once. */
  due(step: number): KnobChange[] {
    let n = 0;
    while ((this.waiting[n]?.at_step ?? Infinity) <= step) n += 1;
    return this.waiting.splice(0, n).map(({ change }) => change);
  }
}

/** The knobs in force at the edge after `step` steps: start values with the journal up to there. */
export function knobsAt(start: Knobs, journal: readonly Change[], step: number): Knobs {
  const knobs = { ...start };
  for (const { applied_at_step, knob, value } of journal) {
    if (applied_at_step <= step) knobs[knob] = value;
  }
  return knobs;
}

/**
 * The knobs as a person left them, where a run goes back to `step`. What was changed after it went
 * with the steps that used it; a person's change was acknowledged and stays, a planned one is made
 * again at its own step.
 *
 * @param knobs    in force at `step`
 * @param journal  of the run as it was left
 */
export function keptKnobs(
  knobs: Knobs,
  journal: readonly Change[],
  plan: JournalPlan,
  step: number,
): Knobs {
  const kept = { ...knobs };
  for (const { applied_at_step, knob, value } of journal) {
    if (applied_at_step <= step) continue;
    if (!isPlanned(plan, applied_at_step, knob, value)) kept[knob] = value;
  }
  return kept;
}

function isPlanned(plan: JournalPlan, step: number, knob: KnobName, value: number): boolean {
  return plan.some(({ at_step, change }) => at_step === step && change[knob] === value);
}

/** The knobs whose value differs, in the table's order. */
export function differing(before: Knobs, after: Knobs): KnobName[] {
  return KNOB_NAMES.filter((knob) => before[knob] !== after[knob]);
}
