import { imagesPerStep } from '@shared/config/run-config';
import type { RunConfig } from '@shared/config/run-config';
import { surgeryProblem } from '@shared/config/surgery';
import type { Act } from '@shared/config/surgery';
import { USAGE_WINDOW } from '@shared/prototype-alarms';
import type { Alarm } from '@shared/prototype-alarms';
import type { SurgeryController } from '../../session/surgery.svelte';

/** Buttons of one alarm at most. */
const MOST = 3;

/**
 * What an alarm suggests: reviving the dead, merging twins. One that was revived is given the time that
 * its share takes to tell of it.
 */
export function actsOn(
  { kind, prototypes }: Alarm,
  { model, training }: Pick<RunConfig, 'model' | 'training'>,
  { bank, past, acts }: Pick<SurgeryController, 'bank' | 'past' | 'acts'>,
  step: number,
): { words: string; act: Act }[] {
  const there = prototypes.filter((id) => bank.ids.includes(id) && !bank.frozen.includes(id));
  if (kind === 'dead' && surgeryProblem(model, 'revive') === null) {
    const since = step - USAGE_WINDOW / imagesPerStep(training);
    const revived = past.flatMap(({ act, undone }, i) =>
      act.kind === 'revive' && !undone && (acts[i]?.applied_at_step ?? 0) > since
        ? act.prototype
        : [],
    );
    return there
      .filter((id) => !revived.includes(id))
      .slice(0, MOST)
      .map((prototype) => ({
        words: `Revive p${prototype}`,
        act: { kind: 'revive', prototype },
      }));
  }
  const [into, prototype] = there;
  if (kind !== 'twins' || into === undefined || prototype === undefined) return [];
  if (surgeryProblem(model, 'merge') !== null) return [];
  return [{ words: `Merge p${prototype} into p${into}`, act: { kind: 'merge', prototype, into } }];
}
