import { z } from 'zod';
import { AppError } from '../errors';
import { PRESETS } from './presets';
import type { RunConfig } from './run-config';
import { prototypeRows, SheetPlanSchema, TrajectoryPlanSchema } from './sampling-rows';
import type { TrajectoryPlan } from './sampling-rows';

/**
 * A notebook: cells that refer to each other, and no outputs, so that the file is fit for git.
 * What a cell produced lives with the runs.
 */
const id = z.string().regex(/^[a-z][a-z0-9-]{0,40}$/, 'not a cell id');

// A notebook may hold settings that are still being edited and not yet allowed: the run's own
// schema judges them when a run starts. Here every setting must be there, and of the right type.
const draft = <K extends 'data' | 'model' | 'diffusion' | 'training' | 'knobs' | 'sampling'>(
  key: K,
): z.ZodType<RunConfig[K]> =>
  z.custom<RunConfig[K]>().superRefine((value, context) => {
    const gap = missingFrom(value, PRESETS.quick[key], key);
    if (gap !== undefined) context.addIssue({ code: 'custom', message: gap });
  });

/** The first setting of `like` that `value` lacks or holds with another type, in words. */
function missingFrom(value: unknown, like: unknown, path: string): string | undefined {
  if (value === undefined) return `${path} is missing`;
  if (typeof value !== typeof like || Array.isArray(value) !== Array.isArray(like)) {
    return `${path} has the wrong type`;
  }
  if (typeof like !== 'object' || like === null || Array.isArray(like)) return undefined;
  if (value === null) return `${path} is null`;
  for (const [key, part] of Object.entries(like)) {
    const gap = missingFrom((value as Record<string, unknown>)[key], part, `${path}.${key}`);
    if (gap !== undefined) return gap;
  }
  return undefined;
}

const Note = z.strictObject({ id, kind: z.literal('note'), text: z.string().max(100_000) });
const Data = z.strictObject({ id, kind: z.literal('data'), data: draft('data') });
const Model = z.strictObject({
  id,
  kind: z.literal('model'),
  data: id,
  model: draft('model'),
  diffusion: draft('diffusion'),
});
const Train = z.strictObject({
  id,
  kind: z.literal('train'),
  model: id,
  preset: z.string().min(1),
  seed: z.number(),
  training: draft('training'),
  knobs: draft('knobs'),
  sampling: draft('sampling'),
  /** The run that was last started from this cell. */
  run: z.string().nullable(),
});
export const X_AXES = ['step', 'images', 'epoch', 'active', 'wall'] as const;
export type XAxis = (typeof X_AXES)[number];
const Curves = z.strictObject({
  id,
  kind: z.literal('curves'),
  train: id,
  smoothing: z.number().min(0).max(0.99),
  x: z.enum(X_AXES),
  log_x: z.boolean(),
  log_y: z.boolean(),
});
const Samples = z.strictObject({
  id,
  kind: z.literal('samples'),
  train: id,
  /** Of the contact sheet, once it was changed; the run's own settings till then. */
  sheet: SheetPlanSchema.optional(),
});

export const TRAJECTORY_VIEWS = ['x_t', 'x_0', 'eps', 'difference'] as const;
export type TrajectoryView = (typeof TRAJECTORY_VIEWS)[number];
const Trajectories = z.strictObject({
  id,
  kind: z.literal('trajectories'),
  train: id,
  plan: TrajectoryPlanSchema,
  view: z.enum(TRAJECTORY_VIEWS),
});

export const CellSchema = z.discriminatedUnion('kind', [
  Note,
  Data,
  Model,
  Train,
  Curves,
  Trajectories,
  Samples,
]);
export type Cell = z.infer<typeof CellSchema>;
export type CellKind = Cell['kind'];
export type CellOf<K extends CellKind> = Extract<Cell, { kind: K }>;

export const NotebookSchema = z
  .strictObject({ protodiff_notebook: z.literal(1), cells: z.array(CellSchema).max(500) })
  .superRefine((notebook, context) => {
    const kinds = new Map<string, CellKind>();
    notebook.cells.forEach((cell, index) => {
      const complain = (message: string): void =>
        context.addIssue({ code: 'custom', message, path: ['cells', index] });
      if (kinds.has(cell.id)) complain(`two cells are called ${cell.id}`);
      for (const [key, kind] of REFERENCES[cell.kind]) {
        const target = (cell as Record<string, unknown>)[key];
        if (kinds.get(String(target)) !== kind) {
          complain(`cell ${cell.id} needs a ${kind} cell above it called ${String(target)}`);
        }
      }
      kinds.set(cell.id, cell.kind);
    });
  });
export type Notebook = z.infer<typeof NotebookSchema>;

const REFERENCES: Record<CellKind, [string, CellKind][]> = {
  note: [],
  data: [],
  model: [['data', 'data']],
  train: [['model', 'model']],
  curves: [['train', 'train']],
  trajectories: [['train', 'train']],
  samples: [['train', 'train']],
};

/** @throws AppError bad_config, naming what is wrong, when the text is no notebook */
export function parseNotebook(json: string): Notebook {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    throw new AppError('bad_config', 'The notebook is not valid JSON, so it was not opened.', {
      remedy: 'Restore the file from git or a copy; its runs are untouched.',
      cause,
    });
  }
  const parsed = NotebookSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new AppError(
    'bad_config',
    `The notebook was not opened: ${issue?.path.join('.') || 'the file'}: ${issue?.message ?? 'unknown form'}.`,
    { remedy: 'Correct the file, or restore it from git or a copy.' },
  );
}

/** Two-space JSON with a newline at the end: one change, one line in a diff. */
export function printNotebook(notebook: Notebook): string {
  return `${JSON.stringify(notebook, null, 2)}\n`;
}

/** The notebook that a first press of a start button makes: everything to watch one run. */
export function notebookFor(config: RunConfig, note: string): Notebook {
  return {
    protodiff_notebook: 1,
    cells: [
      { id: 'note', kind: 'note', text: note },
      { id: 'data', kind: 'data', data: config.data },
      {
        id: 'model',
        kind: 'model',
        data: 'data',
        model: config.model,
        diffusion: config.diffusion,
      },
      { id: 'train', kind: 'train', model: 'model', ...trainSettings(config), run: null },
      {
        id: 'curves',
        kind: 'curves',
        train: 'train',
        smoothing: 0.6,
        x: 'step',
        log_x: false,
        log_y: true,
      },
      {
        id: 'trajectories',
        kind: 'trajectories',
        train: 'train',
        plan: trajectoryPlanFor(config),
        view: 'x_0',
      },
      { id: 'samples', kind: 'samples', train: 'train' },
    ],
  };
}

/** The first prototypes from one noise, as the run's own previews are made. */
export function trajectoryPlanFor({ model, sampling }: RunConfig): TrajectoryPlan {
  const { sampler, steps, seed, eta } = sampling;
  return { rows: prototypeRows(model.k, sampler), seed, columns: 9, steps, eta };
}

/** The part of a run's configuration that a train cell holds. */
export function trainSettings(
  config: RunConfig,
): Pick<RunConfig, 'preset' | 'seed' | 'training' | 'knobs' | 'sampling'> {
  const { preset, seed, training, knobs, sampling } = config;
  return { preset, seed, training, knobs, sampling };
}

/** The cell called `cellId`, which must be of this kind; undefined when there is none. */
export function findCell<K extends CellKind>(
  notebook: Notebook,
  kind: K,
  cellId: string,
): CellOf<K> | undefined {
  return notebook.cells.find((cell): cell is CellOf<K> => cell.kind === kind && cell.id === cellId);
}

/** A train cell with the model and data that it refers to, as the configuration of a run. */
export function runConfigOf(notebook: Notebook, trainId: string): RunConfig {
  const train = findCell(notebook, 'train', trainId);
  const model = train && findCell(notebook, 'model', train.model);
  const data = model && findCell(notebook, 'data', model.data);
  if (!train || !model || !data) {
    throw new AppError('bad_config', `The train cell ${trainId} has no model or data above it.`, {
      remedy: 'Add the missing cell, or start from a new notebook.',
    });
  }
  return {
    preset: train.preset,
    seed: train.seed,
    data: data.data,
    model: model.model,
    diffusion: model.diffusion,
    training: train.training,
    knobs: train.knobs,
    sampling: train.sampling,
  };
}
