import type { Checkpoint } from '@shared/protocol/contract';

/** Checkpoints before a change or an act, by which it is undone: so many of the newest ones stay. */
const CHANGES = 8;

/**
 * The steps of which checkpoints stay (docs/adr/0019): the newest `keep`, and of the older ones fewer
 * the older they are, so that a run can be branched from anywhere in its past. At each scale 1, 2, 4,
 * … steps, the first checkpoint in the newest window of that scale and in the one before it stay. The
 * windows are aligned to step 0, so what a larger scale needs has never gone at a smaller one.
 *
 * @param steps  ascending
 * @returns      at most keep + 2 log2(newest) steps, the first of all among them
 */
export function spaced(steps: readonly number[], keep: number): Set<number> {
  const newest = steps.at(-1) ?? 0;
  const stay = new Set(steps.slice(-Math.max(1, keep)));
  for (let scale = 1; ; scale *= 2) {
    const window = (step: number): number => Math.floor(step / scale);
    for (const at of [window(newest) - 1, window(newest)]) {
      const first = steps.find((step) => window(step) === at);
      if (first !== undefined) stay.add(first);
    }
    if (window(newest) === 0) return stay;
  }
}

/**
 * Checkpoints that go.
 *
 * @param rows     by step, ascending
 * @param pinned   steps that a person or a branch keeps
 * @param changed  steps at which a knob was changed or an act done
 */
export function superseded(
  rows: readonly Checkpoint[],
  keep: number,
  pinned: readonly number[],
  changed: readonly number[],
): Checkpoint[] {
  const steps = rows.map(({ step }) => step);
  const undoing = steps.filter((step) => changed.includes(step)).slice(-CHANGES);
  const stay = new Set([...spaced(steps, keep), ...pinned, ...undoing]);
  return rows.filter(({ step }) => !stay.has(step));
}
