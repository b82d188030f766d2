import type { RunSummary } from '@shared/protocol/contract';

/** A run, and the step up to which it is drawn; undefined for all of it. */
export interface Ghost {
  run: string;
  until: number | undefined;
}

/**
 * The ancestors of runs that are drawn, each up to the last step at which one of them parted from
 * it. A run that is drawn itself is no ghost, nor one that is gone.
 */
export function ghostsOf(
  runs: readonly string[],
  summaryOf: (run: string) => Pick<RunSummary, 'parent'> | undefined,
): Ghost[] {
  const found = new Map<string, number>();
  for (const run of runs) {
    let parent = summaryOf(run)?.parent;
    // A file may say anything: a circle of parents is walked once.
    const seen = new Set([run]);
    while (parent && !runs.includes(parent.run) && !seen.has(parent.run)) {
      const next = summaryOf(parent.run);
      if (next === undefined) break;
      seen.add(parent.run);
      found.set(parent.run, Math.max(parent.step, found.get(parent.run) ?? 0));
      parent = next.parent;
    }
  }
  return [...found].map(([run, until]) => ({ run, until }));
}
