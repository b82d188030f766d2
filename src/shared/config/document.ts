import { AppError } from '../errors';
import { CELL_KINDS, referencesOf } from './cell-kinds';
import { configAround, dependantsOf, nameOf } from './document-links';
import { MAX_CELLS } from './notebook';
import type { Cell, CellKind, Notebook } from './notebook';

/**
 * What can be done to a notebook's cells. Each returns a new notebook that is valid again: ids are
 * single, and a cell stands below all that it refers to.
 */
export interface Changed {
  notebook: Notebook;
  /** The cells that the change is about. */
  ids: string[];
}

/**
 * A new cell at `index`, below what it needs. It refers to the nearest cells above; where there
 * is none of a needed kind at all, that cell is made too.
 */
export function addCell(notebook: Notebook, kind: CellKind, index: number): Changed {
  let at = clamp(index, 0, notebook.cells.length);
  let grown = notebook;
  const refs: Record<string, string> = {};
  for (const { field, kind: needed } of CELL_KINDS[kind].references) {
    const above = lastOf(grown.cells.slice(0, at), needed);
    const below = grown.cells.findIndex((cell) => cell.kind === needed);
    if (above) {
      refs[field] = above.id;
    } else if (below >= 0) {
      refs[field] = grown.cells[below]?.id ?? '';
      at = below + 1;
    } else {
      const made = addCell(grown, needed, at);
      refs[field] = made.ids[0] ?? '';
      grown = made.notebook;
      at = grown.cells.findIndex(({ id }) => id === refs[field]) + 1;
    }
  }
  const around = Object.values(refs)[0] ?? lastOf(grown.cells.slice(0, at), 'train')?.id ?? '';
  const cell = CELL_KINDS[kind].make(freeId(grown, kind), refs, configAround(grown, around));
  return { notebook: withCells(grown, insert(grown.cells, at, [cell])), ids: [cell.id] };
}

/** Removes cells with all that refer to them; `ids` are those that went. */
export function removeCells(notebook: Notebook, ids: readonly string[]): Changed {
  const gone = new Set(ids.flatMap((id) => [id, ...dependantsOf(notebook, id)]));
  const went = notebook.cells.filter(({ id }) => gone.has(id)).map(({ id }) => id);
  const cells = notebook.cells.filter(({ id }) => !gone.has(id));
  return { notebook: withCells(notebook, cells), ids: went };
}

/** Where a cell may stand, by index: below what it refers to, above what refers to it. */
export function rangeOf(notebook: Notebook, id: string): { first: number; last: number } {
  const at = (each: string): number => notebook.cells.findIndex((cell) => cell.id === each);
  const cell = notebook.cells[at(id)];
  const above = cell ? referencesOf(cell).map((reference) => at(reference.id)) : [];
  const below = dependantsOf(notebook, id).map(at);
  return {
    first: Math.max(-1, ...above) + 1,
    last: Math.min(notebook.cells.length, ...below) - 1,
  };
}

/**
 * Moves a cell to an index.
 *
 * @throws AppError wrong_state, saying which cell is in the way, when it may not stand there
 */
export function moveCell(notebook: Notebook, id: string, index: number): Changed {
  const from = notebook.cells.findIndex((cell) => cell.id === id);
  const cell = notebook.cells[from];
  if (!cell) throw new AppError('not_found', `There is no cell ${id}.`);
  const to = clamp(index, 0, notebook.cells.length - 1);
  const { first, last } = rangeOf(notebook, id);
  const name = nameOf(notebook, id);
  if (to < first) {
    const cause = nameOf(notebook, notebook.cells[first - 1]?.id ?? '');
    throw new AppError('wrong_state', `${name} refers to ${cause}, so it stays below it.`, {
      remedy: `Move ${cause} first, or let ${name} refer to a cell further up.`,
    });
  }
  if (to > last) {
    const effect = nameOf(notebook, notebook.cells[last + 1]?.id ?? '');
    throw new AppError('wrong_state', `${effect} refers to ${name}, which stays above it.`, {
      remedy: `Move ${effect} first.`,
    });
  }
  const others = notebook.cells.filter((each) => each !== cell);
  return { notebook: withCells(notebook, insert(others, to, [cell])), ids: [id] };
}

/** Copies of cells, in their order, at `index` or below what they refer to. */
export function pasteCells(notebook: Notebook, cells: readonly Cell[], index: number): Changed {
  const names = new Map<string, string>();
  let at = clamp(index, 0, notebook.cells.length);
  let grown = notebook;
  for (const cell of cells) {
    // What it refers to came with it, or is there already, or is found or made as for a new cell.
    const refs = referencesOf(cell).map(({ field, kind, id }) => {
      const target = names.get(id) ?? id;
      const there = grown.cells.some((each) => each.id === target && each.kind === kind);
      return [field, there ? target : undefined] as const;
    });
    const lost = refs.some(([, target]) => target === undefined);
    const fresh = lost ? addCell(grown, cell.kind, at) : undefined;
    const id = fresh?.ids[0] ?? freeId(grown, cell.id.replace(/-\d+$/, ''), cell.id);
    const base = fresh?.notebook ?? grown;
    const stand = base.cells.find((each) => each.id === id);
    const kept = Object.fromEntries(
      stand
        ? referencesOf(stand).map(({ field, id: target }) => [field, target])
        : refs.map(([field, target]) => [field, target]),
    );
    const copy = { ...cell, ...kept, id } as Cell;
    if (stand) {
      grown = withCells(
        base,
        base.cells.map((each) => (each.id === id ? copy : each)),
      );
    } else {
      const lowest = Math.max(
        at,
        ...Object.values(kept).map((each) => base.cells.findIndex((one) => one.id === each) + 1),
      );
      grown = withCells(base, insert(base.cells, lowest, [copy]));
    }
    names.set(cell.id, id);
    at = grown.cells.findIndex((each) => each.id === id) + 1;
  }
  return { notebook: grown, ids: [...names.values()] };
}

/** A copy right below; a copied train cell has no run yet. */
export function duplicateCell(notebook: Notebook, id: string): Changed {
  const at = notebook.cells.findIndex((cell) => cell.id === id);
  const cell = notebook.cells[at];
  if (!cell) throw new AppError('not_found', `There is no cell ${id}.`);
  return pasteCells(notebook, [withoutRun(cell)], at + 1);
}

/** Lets a cell refer to another of the same kind above it. */
export function referTo(notebook: Notebook, id: string, field: string, target: string): Changed {
  const cells = notebook.cells.map((cell): Cell =>
    cell.id === id ? ({ ...cell, [field]: target } as Cell) : cell,
  );
  return { notebook: withCells(notebook, cells), ids: [id] };
}

export function foldCell(notebook: Notebook, id: string, folded: boolean): Notebook {
  return {
    ...notebook,
    cells: notebook.cells.map((cell): Cell => {
      if (cell.id !== id) return cell;
      const { folded: _before, ...open } = cell;
      return (folded ? { ...open, folded: true } : open) as Cell;
    }),
  };
}

export function withoutRun(cell: Cell): Cell {
  return cell.kind === 'train' ? { ...cell, run: null } : cell;
}

function withCells(notebook: Notebook, cells: Cell[]): Notebook {
  if (cells.length > MAX_CELLS && cells.length > notebook.cells.length) {
    throw new AppError('wrong_state', `A notebook holds at most ${MAX_CELLS} cells.`, {
      remedy: 'Delete some, or begin another notebook.',
    });
  }
  return { ...notebook, cells };
}

function lastOf(cells: readonly Cell[], kind: CellKind): Cell | undefined {
  return [...cells].reverse().find((cell) => cell.kind === kind);
}

function insert(cells: readonly Cell[], at: number, more: readonly Cell[]): Cell[] {
  return [...cells.slice(0, at), ...more, ...cells.slice(at)];
}

/** `wanted` if it is free, else the base with the next free number. */
function freeId(notebook: Notebook, base: string, wanted = base): string {
  const taken = new Set(notebook.cells.map(({ id }) => id));
  if (!taken.has(wanted)) return wanted;
  let n = 2;
  while (taken.has(`${base}-${n}`)) n += 1;
  return `${base}-${n}`;
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, value));
}
