import {
  addCell,
  duplicateCell,
  foldCell,
  moveCell,
  pasteCells,
  referTo,
  removeCells,
  withoutRun,
} from '@shared/config/document';
import type { Changed } from '@shared/config/document';
import { candidatesOf, dependantsOf, nameOf } from '@shared/config/document-links';
import type { Cell, CellKind, Notebook } from '@shared/config/notebook';
import { referencesOf } from '@shared/config/cell-kinds';
import { AppError } from '@shared/errors';
import { SvelteMap, SvelteSet } from 'svelte/reactivity';
import type { NotebookController } from './notebook.svelte';

/** What a cell on the screen can do for the document's keys and menus. */
export interface CellPort {
  /** Makes its output; absent where there is nothing to run. */
  run?: (() => void) | undefined;
  /** Gives up what is being made; absent where nothing is. */
  cancel?: (() => void) | undefined;
  /** Opens what can be edited in it. */
  edit?: (() => void) | undefined;
  /** Its pictures were made with other settings than it has now. */
  stale?: boolean | undefined;
}

/** Something that happened to the document, in words, with what can be done about it. */
export interface Notice {
  words: string;
  undo?: boolean;
  act?: { words: string; run: () => void };
  level?: 'info' | 'warning';
  /** What it offers can be had elsewhere too: it need not stay. */
  brief?: true;
}

export interface Selection {
  readonly selected: string;
  select(cellId: string): void;
}

/** The document as it is worked on: selection, changes with undo, clipboard, what the cells offer. */
export class DocumentController {
  clipboard = $state.raw<readonly Cell[]>([]);
  notice = $state.raw<Notice>();
  /** The cell to bring into view and focus, anew with each object. */
  goal = $state.raw<{ id: string; edit: boolean }>();
  /** A cell under the pointer, and the index that it would be put before. */
  drag = $state.raw<{ id: string; before: number }>();
  readonly ports = new SvelteMap<string, CellPort>();
  /** Cells whose settings are open though they show a run. */
  readonly opened = new SvelteSet<string>();

  constructor(
    private readonly notebook: NotebookController,
    private readonly selection: Selection,
  ) {}

  get cells(): readonly Cell[] {
    return this.notebook.document?.cells ?? [];
  }

  indexOf(id: string): number {
    return this.cells.findIndex((cell) => cell.id === id);
  }

  /** @param index  undefined for below the selected cell */
  add(kind: CellKind, index?: number): void {
    this.change((document) => addCell(document, kind, index ?? this.below), true);
  }

  /** Removes a cell with all that refer to it, and says so. */
  remove(id: string, cut = false): void {
    const document = this.notebook.document;
    const at = this.indexOf(id);
    if (!document || at < 0) return;
    const { notebook, ids } = removeCells(document, [id]);
    if (cut) this.clipboard = document.cells.filter((cell) => ids.includes(cell.id));
    this.notebook.edit(notebook);
    const next = notebook.cells[at] ?? notebook.cells[at - 1] ?? notebook.cells.at(-1);
    if (next) this.go(next.id);
    const others = ids.filter((each) => each !== id).map((each) => nameOf(document, each));
    const more = others.length > 0 ? `, and with it ${others.join(', ')}` : '';
    this.notice = {
      words: `${nameOf(document, id)} was ${cut ? 'cut' : 'deleted'}${more}.`,
      undo: true,
    };
  }

  /** What a cell refers to, and what it could refer to instead. */
  referencesAt(
    id: string,
  ): { field: string; kind: CellKind; target: string; candidates: Cell[] }[] {
    const document = this.notebook.document;
    const cell = this.cells[this.indexOf(id)];
    if (!document || !cell) return [];
    return referencesOf(cell).map(({ field, kind, id: target }) => ({
      field,
      kind,
      target,
      candidates: candidatesOf(document, id, kind),
    }));
  }

  /** The names of the cells that would go with this one. */
  companions(id: string): string[] {
    const document = this.notebook.document;
    return document ? dependantsOf(document, id).map((each) => nameOf(document, each)) : [];
  }

  copy(id: string): void {
    const cell = this.cells.find((each) => each.id === id);
    if (cell) this.clipboard = [withoutRun(cell)];
  }

  paste(): void {
    if (this.clipboard.length === 0) return;
    this.change((document) => pasteCells(document, this.clipboard, this.below));
    // What was cut comes back with its runs once; a second time it is a copy.
    this.clipboard = this.clipboard.map(withoutRun);
  }

  duplicate(id: string): void {
    this.change((document) => duplicateCell(document, id));
  }

  move(id: string, index: number): void {
    this.change((document) => moveCell(document, id, index));
  }

  refer(id: string, field: string, target: string): void {
    const document = this.notebook.document;
    // The focus stays on the list that is being chosen from.
    if (document) this.notebook.edit(referTo(document, id, field, target).notebook);
  }

  fold(id: string, folded: boolean): void {
    this.notebook.amend((document) => foldCell(document, id, folded));
  }

  undo(): void {
    this.notice = undefined;
    if (!this.notebook.undo()) this.notice = { words: 'There is nothing to undo.' };
    this.keepSelection();
  }

  redo(): void {
    this.notice = undefined;
    if (!this.notebook.redo()) this.notice = { words: 'There is nothing to redo.' };
    this.keepSelection();
  }

  /** Selects a cell and brings it into view. */
  go(id: string, edit = false): void {
    this.selection.select(id);
    this.goal = { id, edit };
  }

  step(by: 1 | -1): void {
    const at = this.indexOf(this.selection.selected);
    const next = this.cells[Math.min(this.cells.length - 1, Math.max(0, at + by))];
    if (next) this.go(next.id);
  }

  /** Begins editing: opens the cell's settings or text and puts the caret there. */
  edit(id: string): void {
    if (this.cells.find((cell) => cell.id === id)?.folded) this.fold(id, false);
    this.go(id, true);
  }

  private get below(): number {
    const at = this.indexOf(this.selection.selected);
    return at < 0 ? this.cells.length : at + 1;
  }

  private change(act: (document: Notebook) => Changed, edit = false): void {
    const document = this.notebook.document;
    if (!document) return;
    this.notice = undefined;
    try {
      const { notebook, ids } = act(document);
      this.notebook.edit(notebook);
      const id = ids.at(-1);
      const cell = notebook.cells.find((each) => each.id === id);
      if (cell) this.go(cell.id, edit && cell.kind === 'note');
    } catch (thrown) {
      const { message, remedy } = AppError.from(thrown);
      this.notice = { words: remedy ? `${message} ${remedy}` : message, level: 'warning' };
    }
  }

  private keepSelection(): void {
    const first = this.cells[0];
    if (this.indexOf(this.selection.selected) < 0 && first) this.go(first.id);
  }
}
