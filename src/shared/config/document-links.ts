import { CELL_KINDS, referencesOf } from './cell-kinds';
import { findCell, runConfigOf } from './notebook';
import type { Cell, CellKind, Notebook } from './notebook';
import { PRESETS } from './presets';
import type { RunConfig } from './run-config';

/** Ids of all cells that refer to `id`, by themselves or through others, in document order. */
export function dependantsOf(notebook: Notebook, id: string): string[] {
  const found = new Set([id]);
  // References lead upwards only, so one pass downwards meets every dependant after its cause.
  for (const cell of notebook.cells) {
    if (referencesOf(cell).some((reference) => found.has(reference.id))) found.add(cell.id);
  }
  found.delete(id);
  return [...found];
}

/** Ids of all cells that `id` refers to, by itself or through others. */
export function causesOf(notebook: Notebook, id: string): string[] {
  const found = new Set([id]);
  for (const cell of [...notebook.cells].reverse()) {
    if (found.has(cell.id)) for (const reference of referencesOf(cell)) found.add(reference.id);
  }
  found.delete(id);
  return [...found];
}

/** The cells above `id` that its reference of this kind could name. */
export function candidatesOf(notebook: Notebook, id: string, kind: CellKind): Cell[] {
  const at = notebook.cells.findIndex((cell) => cell.id === id);
  return notebook.cells.slice(0, at).filter((cell) => cell.kind === kind);
}

/**
 * The train cell whose run a cell is about: itself, the one it refers to, or one that refers to
 * it (the preferred one where there are several). Undefined for a note, or where there is none.
 */
export function trainOf(notebook: Notebook, id: string, preferred?: string): string | undefined {
  const isTrain = (each: string): boolean => findCell(notebook, 'train', each) !== undefined;
  if (isTrain(id)) return id;
  const above = causesOf(notebook, id).find(isTrain);
  if (above !== undefined) return above;
  const below = dependantsOf(notebook, id).filter(isTrain);
  return below.find((each) => each === preferred) ?? below[0];
}

/** The configuration that a cell is a part of; what no cell says is the quick preset's. */
export function configAround(notebook: Notebook, id: string, preferred?: string): RunConfig {
  const train = trainOf(notebook, id, preferred);
  if (train !== undefined) return runConfigOf(notebook, train);
  const model = findCell(notebook, 'model', id);
  const data = findCell(notebook, 'data', model?.data ?? id);
  return {
    ...PRESETS.quick,
    ...(data ? { data: data.data } : {}),
    ...(model ? { model: model.model, diffusion: model.diffusion } : {}),
  };
}

/** A cell by number and title, as the screen shows it. */
export function nameOf(notebook: Notebook, id: string): string {
  const at = notebook.cells.findIndex((cell) => cell.id === id);
  const cell = notebook.cells[at];
  return cell ? `${CELL_KINDS[cell.kind].title} (${at + 1})` : id;
}
