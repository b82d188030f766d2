import type { Cell, CellKind, CellOf } from './cells';
import type { RunConfig } from './run-config';
import { choicesOf } from './family';
import { prototypeRows } from './sampling-rows';
import type { TrajectoryPlan } from './sampling-rows';

/** A field of a cell that names another cell, which must stand above it. */
export interface Reference {
  field: string;
  kind: CellKind;
}

/** All that the document knows of a kind of cell; its icon and component are in cells/kinds.ts. */
export interface KindSpec<K extends CellKind> {
  title: string;
  /** What the menu of new cells says of it. */
  help: string;
  references: readonly Reference[];
  /** @param refs  the id for each reference, by field  @param config  of the run it is beside */
  make: (id: string, refs: Readonly<Record<string, string>>, config: RunConfig) => CellOf<K>;
}

const TRAIN: readonly Reference[] = [{ field: 'train', kind: 'train' }];

/** A new kind is an entry here, its schema in cells.ts and its component in cells/kinds.ts. */
export const CELL_KINDS: { readonly [K in CellKind]: KindSpec<K> } = {
  note: {
    title: 'Note',
    help: 'Words, in Markdown',
    references: [],
    make: (id) => ({ id, kind: 'note', text: '' }),
  },
  data: {
    title: 'Data',
    help: 'The images to train on',
    references: [],
    make: (id, _refs, { data }) => ({ id, kind: 'data', data }),
  },
  model: {
    title: 'Model',
    help: 'UNet, prototype bank, noise',
    references: [{ field: 'data', kind: 'data' }],
    make: (id, refs, { model, diffusion }) => ({
      id,
      kind: 'model',
      data: refs['data'] ?? '',
      model,
      diffusion,
    }),
  },
  train: {
    title: 'Train',
    help: 'A run: steps, batch, seed, knobs',
    references: [{ field: 'model', kind: 'model' }],
    make: (id, refs, config) => ({
      id,
      kind: 'train',
      model: refs['model'] ?? '',
      ...trainSettings(config),
      run: null,
    }),
  },
  curves: {
    title: 'Curves',
    help: 'Losses, rate, gradient norm',
    references: TRAIN,
    make: (id, refs) => ({
      id,
      kind: 'curves',
      train: refs['train'] ?? '',
      smoothing: 0.6,
      x: 'step',
      log_x: false,
      log_y: true,
    }),
  },
  prototypes: {
    title: 'Prototypes',
    help: 'The bank through training: map, usage, alarms',
    references: TRAIN,
    make: (id, refs) => ({
      id,
      kind: 'prototypes',
      train: refs['train'] ?? '',
      projection: 'spread',
      trails: true,
      features: true,
      colour: 'assignment',
    }),
  },
  trajectories: {
    title: 'Trajectories',
    help: 'From one noise to images, side by side',
    references: TRAIN,
    make: (id, refs, config) => ({
      id,
      kind: 'trajectories',
      train: refs['train'] ?? '',
      plan: trajectoryPlanFor(config),
      view: 'x_0',
    }),
  },
  samples: {
    title: 'Samples',
    help: 'Previews, and prototype × seed sheets',
    references: TRAIN,
    make: (id, refs) => ({ id, kind: 'samples', train: refs['train'] ?? '' }),
  },
  compare: {
    title: 'Compare',
    help: 'Runs side by side: what differs, curves, samples',
    references: [],
    make: (id) => ({ id, kind: 'compare', runs: [] }),
  },
};

export const KIND_NAMES = Object.keys(CELL_KINDS) as CellKind[];

export function titleOf(cell: Cell): string {
  return CELL_KINDS[cell.kind].title;
}

/** The ids that a cell refers to, by field. */
export function referencesOf(cell: Cell): (Reference & { id: string })[] {
  return CELL_KINDS[cell.kind].references.map((reference) => ({
    ...reference,
    id: String((cell as unknown as Record<string, unknown>)[reference.field]),
  }));
}

/** The part of a run's configuration that a train cell holds. */
export function trainSettings(
  config: RunConfig,
): Pick<RunConfig, 'preset' | 'seed' | 'training' | 'knobs' | 'sampling'> {
  const { preset, seed, training, knobs, sampling } = config;
  return { preset, seed, training, knobs, sampling };
}

/** The first prototypes from one noise, as the run's own previews are made. */
export function trajectoryPlanFor({ model, sampling }: RunConfig): TrajectoryPlan {
  const { sampler, steps, seed, eta } = sampling;
  return { rows: prototypeRows(choicesOf(model), sampler), seed, columns: 9, steps, eta };
}
