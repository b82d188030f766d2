import { alike, prototypeRows, SamplerNameSchema } from '@shared/config/sampling-rows';
import type { TrajectoryRow } from '@shared/config/sampling-rows';
import type { OtherRun } from './other-runs.svelte';

/** What rows may be made of. */
export interface RowChoices {
  /** The numbers of the run's prototypes or classes. */
  ids: readonly number[];
  /** The model takes guidance. */
  guided: boolean;
  /** Training steps of stored checkpoints, ascending. */
  checkpoints: readonly number[];
  /** Runs that rows may come from besides this one. */
  others: readonly OtherRun[];
}

/** Rows that differ in one thing, at a click. */
export interface RowSet {
  name: string;
  make: () => TrajectoryRow[];
  /** Why there are none to make. */
  off?: string | false;
}

export const SAMPLERS = SamplerNameSchema.options;
const MOST_PROTOTYPES = 8;
const MOST_OTHERS = 5;

/** @param first  what the rows have in common */
export function rowSets(first: TrajectoryRow, choices: RowChoices): RowSet[] {
  const { ids, guided, checkpoints, others } = choices;
  return [
    {
      name: 'Prototypes',
      make: () =>
        prototypeRows(ids, first.sampler, MOST_PROTOTYPES).map(({ prototypes }) => ({
          ...first,
          prototypes,
        })),
    },
    {
      name: 'EMA and raw',
      make: () => (['ema', 'raw'] as const).map((weights) => ({ ...first, weights })),
    },
    { name: 'Samplers', make: () => SAMPLERS.map((sampler) => ({ ...first, sampler })) },
    {
      name: 'Guidance',
      off:
        !guided &&
        'Needs a model that has trained without its condition too: condition dropout above 0',
      make: () => [1, 2, 4, 8].map((guidance) => ({ ...first, guidance })),
    },
    {
      name: 'Checkpoints',
      off: checkpoints.length < 1 && 'No checkpoint is written yet',
      make: () =>
        [null, ...[...checkpoints].reverse().slice(0, MOST_OTHERS)].map((checkpoint) => ({
          ...first,
          checkpoint,
        })),
    },
    {
      name: 'Runs',
      off: others.length < 1 && 'No other run has images of this shape',
      make: () =>
        [null, ...others.slice(0, MOST_OTHERS).map(({ run }) => run)].map((run) =>
          fromRun(first, run, choices),
        ),
    },
  ];
}

/** The row taken from another run, or from this one (null): what that run lacks is not kept. */
export function fromRun(
  row: TrajectoryRow,
  run: string | null,
  { ids, others }: Pick<RowChoices, 'ids' | 'others'>,
): TrajectoryRow {
  const bank = others.find((other) => other.run === run)?.ids ?? ids;
  const fits = row.prototypes.every(({ prototype }) => bank.includes(prototype));
  const prototypes = fits ? row.prototypes : alike(...bank.slice(0, 1));
  return { ...row, run, checkpoint: null, prototypes };
}
