import type { RunConfig } from '@shared/config/run-config';
import { alike, sheetPlanFor } from '@shared/config/sampling-rows';
import type { SheetPlan } from '@shared/config/sampling-rows';

/** What is known of a run whose sheet is made. */
export interface SheetRun {
  config: RunConfig;
  /** The numbers of its prototypes or classes. */
  ids: readonly number[];
  /** Training steps of its stored checkpoints. */
  checkpoints: readonly number[];
  /** Training step of its live weights, while it trains. */
  live: number | undefined;
}

/** Prototypes and seeds of a sheet at most: several stand beside each other. */
const [COLUMNS, ROWS] = [12, 3];

/**
 * The sheets of several runs at a step: the same prototypes and starting noise, sampled as the
 * first run samples, each with the weights that lie nearest to the step. Undefined for a run
 * without any.
 *
 * @param step  Infinity for the newest weights of each
 */
export function sheetPlansAt(runs: readonly SheetRun[], step: number): (SheetPlan | undefined)[] {
  const [first] = runs;
  if (first === undefined) return [];
  const shared = first.ids.filter((id) => runs.every(({ ids }) => ids.includes(id)));
  const columns =
    shared.length > 0 ? shared.slice(0, COLUMNS).map((prototype) => alike(prototype)) : [[]];
  const { steps, ...asked } = sheetPlanFor(first.config);
  return runs.map(({ config, checkpoints, live }) => {
    const checkpoint = weightsNear(checkpoints, live, step);
    if (checkpoint === undefined) return undefined;
    const most = Math.min(steps, config.diffusion.timesteps);
    return { ...asked, ...{ columns, rows: ROWS, steps: most, guidance: 1, checkpoint } };
  });
}

/** The step of the nearest checkpoint, null for the live weights; the later of two alike near. */
function weightsNear(
  checkpoints: readonly number[],
  live: number | undefined,
  step: number,
): number | null | undefined {
  if (step === Infinity && live !== undefined) return null;
  const stored = [...checkpoints].sort((a, b) => b - a);
  const far = (each: number): number => (step === Infinity ? -each : Math.abs(each - step));
  const nearest = stored.reduce<number | undefined>(
    (best, each) => (best === undefined || far(each) < far(best) ? each : best),
    undefined,
  );
  if (live === undefined) return nearest;
  return nearest === undefined || far(live) < far(nearest) ? null : nearest;
}
