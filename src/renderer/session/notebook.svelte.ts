import { History } from '@shared/config/document-history';
import { configAround } from '@shared/config/document-links';
import { parseNotebook, printNotebook, runConfigOf, trainSettings } from '@shared/config/notebook';
import type { Cell, CellKind, CellOf, Notebook } from '@shared/config/notebook';
import { RunConfigSchema } from '@shared/config/run-config';
import type { RunConfig } from '@shared/config/run-config';
import { AppError } from '@shared/errors';
import type { Client } from '@shared/protocol/client';
import type { RequestOutput } from '@shared/protocol/contract';
import { problemsOf } from '@shared/config/problems';
import type { Problem } from '@shared/config/problems';

/** A pause in typing after which the notebook is written. */
const REST_MS = 600;

/** After it what could not be written is tried again: the engine is back, the disk has room. */
const AGAIN_MS = 3000;

/** Edits of one cell within this time are one step of undo. */
const TOGETHER_MS = 2000;

/** The open notebook: edited in place, written by itself, never run by being opened. */
export class NotebookController {
  document = $state.raw<Notebook>();
  name = $state('');
  /** Unix ms of the last write; undefined while a change waits to be written. */
  saved = $state<number>();
  error = $state.raw<AppError>();
  /** Goes up with every notebook that is opened: its cells begin anew, but not for another name. */
  opened = $state(0);
  /** By cell: goes up when undo or redo changed it, for what its component keeps by itself. */
  turns = $state.raw<Readonly<Record<string, number>>>({});
  /** The file was changed by another; nothing is written till a person has chosen. */
  conflict = $state.raw<AppError>();
  private writing = false;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private readonly history = new History<Notebook>();
  private lastEdit = { id: '', at: 0, group: 0 };
  /** When the file was last seen changed; null for one that is not there yet. */
  private known: number | null = null;

  constructor(
    private readonly engine: Client,
    /** After every change of the document. */
    private readonly changed: () => void = () => undefined,
  ) {}

  /** A notebook's file. */
  read(name: string): Promise<RequestOutput<'notebook.read'>> {
    return this.engine.request('notebook.read', { name });
  }

  /** @throws AppError when it is missing or is no notebook */
  async open(name: string, read = this.read(name)): Promise<void> {
    await this.flush();
    const { json, modified } = await read;
    this.begin(name, parseNotebook(json), modified);
  }

  async create(name: string, document: Notebook): Promise<void> {
    await this.flush();
    this.begin(name, document, null);
    this.changed();
    await this.write();
  }

  private begin(name: string, document: Notebook, known: number | null): void {
    this.document = document;
    this.name = name;
    this.known = known;
    this.saved = known ?? undefined;
    this.error = undefined;
    this.conflict = undefined;
    this.history.clear();
    this.turns = {};
    this.opened += 1;
    this.changed();
  }

  /** Closes it; a change that waits is still written. */
  leave(): void {
    void this.flush();
    this.forget();
  }

  /** Closes it without writing: the file was renamed away or deleted. */
  forget(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.document = undefined;
    this.name = '';
    this.conflict = undefined;
    this.changed();
  }

  /** The file has another name now. */
  renamed(name: string, modified: number): void {
    this.name = name;
    this.known = modified;
  }

  update<K extends CellKind>(kind: K, id: string, change: (cell: CellOf<K>) => CellOf<K>): void {
    const { document } = this;
    if (!document) return;
    const { id: before, at, group } = this.lastEdit;
    const now = Date.now();
    const together = before === id && now - at < TOGETHER_MS;
    this.lastEdit = { id, at: now, group: together ? group : group + 1 };
    this.edit(changedCell(document, kind, id, change), `${id} ${this.lastEdit.group}`);
  }

  /** Puts a changed document in place of the open one; it can be undone. */
  edit(document: Notebook, key?: string): void {
    if (this.document) this.history.record(this.document, key);
    this.put(document);
  }

  /** Lays a fact into the document, which no undo takes back: the run of a cell, a fold. */
  amend(change: (document: Notebook) => Notebook): void {
    if (!this.document) return;
    this.history.amend(change);
    this.put(change(this.document));
  }

  amendCell<K extends CellKind>(kind: K, id: string, change: (cell: CellOf<K>) => CellOf<K>): void {
    this.amend((document) => changedCell(document, kind, id, change));
  }

  /** Whether there was something to undo. */
  undo(): boolean {
    const before = this.document && this.history.undo(this.document);
    if (before) this.turnTo(before);
    return before !== undefined;
  }

  redo(): boolean {
    const after = this.document && this.history.redo(this.document);
    if (after) this.turnTo(after);
    return after !== undefined;
  }

  private turnTo(document: Notebook): void {
    const before = new Map(this.document?.cells.map((cell) => [cell.id, cell]));
    const turns = { ...this.turns };
    for (const cell of document.cells) {
      if (before.get(cell.id) !== cell) turns[cell.id] = (turns[cell.id] ?? 0) + 1;
    }
    this.turns = turns;
    this.put(document);
  }

  private put(document: Notebook): void {
    this.document = document;
    this.changed();
    this.saved = undefined;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.write(), REST_MS);
  }

  /** The settings of a train cell and of what it refers to. */
  draft(trainId: string): RunConfig | undefined {
    return this.document && runConfigOf(this.document, trainId);
  }

  /** Lays a whole configuration into a train cell and the cells it refers to. */
  adopt(trainId: string, config: RunConfig): void {
    if (!this.document) return;
    const train = this.document.cells.find(({ id }) => id === trainId);
    if (train?.kind !== 'train') return;
    const model = this.document.cells.find(({ id }) => id === train.model);
    if (model?.kind !== 'model') return;
    const { data, model: network, diffusion } = config;
    let next = changedCell(this.document, 'data', model.data, (cell) => ({ ...cell, data }));
    next = changedCell(next, 'model', model.id, (cell) => ({
      ...cell,
      model: network,
      diffusion,
    }));
    next = changedCell(next, 'train', train.id, (cell) => ({ ...cell, ...trainSettings(config) }));
    if (printNotebook(next) !== printNotebook(this.document)) this.edit(next);
  }

  /** What a run would refuse of the settings that a cell is a part of. */
  problems(cellId: string, preferred?: string): Problem[] {
    if (!this.document) return [];
    const parsed = RunConfigSchema.safeParse(configAround(this.document, cellId, preferred));
    return parsed.success ? [] : problemsOf(parsed.error);
  }

  /** Writes what waits to be written. */
  async flush(): Promise<void> {
    if (this.timer !== undefined) await this.write();
  }

  /** Looks whether the file was changed by another, as when the window gets the focus again. */
  async look(modified: number | undefined): Promise<void> {
    if (!this.document || this.known === null || modified === this.known || this.writing) return;
    if (this.timer === undefined && modified !== undefined) {
      // Nothing of ours waits to be written: what is there now is simply shown.
      await this.take();
      return;
    }
    this.conflict = conflictOf(this.name, modified === undefined);
  }

  /** Answers a conflict: the file as it is now. */
  async take(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    const { name } = this;
    try {
      const { json, modified } = await this.read(name);
      this.begin(name, parseNotebook(json), modified);
    } catch (thrown) {
      this.error = AppError.from(thrown);
    }
  }

  /** Answers a conflict: what this window shows is written over the file. */
  async keep(): Promise<void> {
    this.conflict = undefined;
    await this.write(true);
  }

  private async write(over = false): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    const { document, name } = this;
    if (!document || this.conflict) return;
    if (this.writing) {
      this.timer = setTimeout(() => void this.write(over), REST_MS);
      return;
    }
    this.writing = true;
    try {
      const { modified } = await this.engine.request('notebook.write', {
        name,
        json: printNotebook(document),
        ...(over ? {} : { known: this.known }),
      });
      if (this.name === name) this.known = modified;
      if (this.document === document) this.saved = modified;
      this.error = undefined;
    } catch (thrown) {
      const error = AppError.from(thrown);
      if (error.code === 'conflict') this.conflict = error;
      else {
        this.error = error;
        this.timer ??= setTimeout(() => void this.write(over), AGAIN_MS);
      }
    } finally {
      this.writing = false;
    }
  }
}

function changedCell<K extends CellKind>(
  document: Notebook,
  kind: K,
  id: string,
  change: (cell: CellOf<K>) => CellOf<K>,
): Notebook {
  const cells = document.cells.map((cell): Cell =>
    cell.kind === kind && cell.id === id ? change(cell as CellOf<K>) : cell,
  );
  return { ...document, cells };
}

function conflictOf(name: string, gone: boolean): AppError {
  return new AppError(
    'conflict',
    `The file of the notebook "${name}" ${gone ? 'is gone' : 'was changed elsewhere'}.`,
    {
      remedy: 'Keep what this window shows, or take the file as it is now.',
    },
  );
}
