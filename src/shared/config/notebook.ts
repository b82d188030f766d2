import { z } from 'zod';
import { AppError } from '../errors';
import { CELL_KINDS, referencesOf } from './cell-kinds';
import { CellSchema } from './cells';
import type { Cell, CellKind, CellOf } from './cells';
import type { RunConfig } from './run-config';

export { trainSettings } from './cell-kinds';
export { MARK_COLOURS, PROJECTIONS, TRAJECTORY_VIEWS, X_AXES } from './cells';
export type { Cell, CellKind, CellOf, TrajectoryView, XAxis } from './cells';

export const MAX_CELLS = 500;

/**
 * A notebook: cells that refer to each other, and no outputs, so that the file is fit for git.
 * What a cell produced lives with the runs.
 */
export const NotebookSchema = z
  .strictObject({ protodiff_notebook: z.literal(1), cells: z.array(CellSchema).max(MAX_CELLS) })
  .superRefine((notebook, context) => {
    const kinds = new Map<string, CellKind>();
    notebook.cells.forEach((cell, index) => {
      const complain = (message: string): void =>
        context.addIssue({ code: 'custom', message, path: ['cells', index] });
      if (kinds.has(cell.id)) complain(`two cells are called ${cell.id}`);
      for (const { kind, id } of referencesOf(cell)) {
        if (kinds.get(id) !== kind) {
          complain(`cell ${cell.id} needs a ${kind} cell above it called ${id}`);
        }
      }
      kinds.set(cell.id, cell.kind);
    });
  });
export type Notebook = z.infer<typeof NotebookSchema>;

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

const FIRST: readonly CellKind[] = [
  'data',
  'model',
  'train',
  'curves',
  'prototypes',
  'trajectories',
  'samples',
];

/** The notebook that a first press of a start button makes: everything to watch one run. */
export function notebookFor(config: RunConfig, note: string): Notebook {
  const refs = { data: 'data', model: 'model', train: 'train' };
  const cells = FIRST.map((kind): Cell => CELL_KINDS[kind].make(kind, refs, config));
  return {
    protodiff_notebook: 1,
    cells: [{ id: 'note', kind: 'note', text: note }, ...cells],
  };
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
