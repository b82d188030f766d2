import { KNOBS } from '@shared/config/knobs';
import type { KnobSpec } from '@shared/config/knobs';
import type { ActEntry, JournalEntry } from '@shared/protocol/contract';
import { count } from '../components/format';

/**
 * `lr changed at step 12,340`, of the first knob or prototype that was changed after the weights a picture was
 * made with; undefined while it still shows what trains.
 *
 * @param journal  in the order of the changes
 * @param step     training steps behind the weights
 */
export function overtakenBy(
  journal: readonly JournalEntry[],
  step: number,
  acts: readonly ActEntry[] = [],
): string | undefined {
  const later = ({ applied_at_step }: { applied_at_step: number }): boolean =>
    applied_at_step >= step;
  const change = journal.find(later);
  const act = acts.find(later);
  if (act && act.applied_at_step <= (change?.applied_at_step ?? Infinity)) {
    return `prototypes changed at step ${count(act.applied_at_step)}`;
  }
  if (change === undefined) return undefined;
  const { symbol, label }: KnobSpec = KNOBS[change.knob];
  return `${symbol ?? label} changed at step ${count(change.applied_at_step)}`;
}
