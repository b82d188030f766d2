import { configAround } from '@shared/config/document-links';
import {
  notebookFor,
  parseNotebook,
  printNotebook,
  runConfigOf,
  trainSettings,
} from '@shared/config/notebook';
import type { Cell, CellKind, CellOf, Notebook } from '@shared/config/notebook';
import { RunConfigSchema } from '@shared/config/run-config';
import type { RunConfig } from '@shared/config/run-config';
import { AppError } from '@shared/errors';
import type { Client } from '@shared/protocol/client';
import { problemsOf } from './problems';
import type { Problem } from './problems';

/** A pause in typing after which the notebook is written. */
const REST_MS = 600;

/** The open notebook: edited in place, written by itself, never run by being opened. */
export class NotebookController {
  document = $state.raw<Notebook>();
  name = $state('');
  /** Unix ms of the last write; undefined while a change waits to be written. */
  saved = $state<number>();
  error = $state.raw<AppError>();
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly engine: Client,
    /** After every change of the document. */
    private readonly changed: () => void = () => undefined,
  ) {}

  /** @throws AppError when it is missing or is no notebook */
  async open(name: string): Promise<void> {
    await this.flush();
    const { json } = await this.engine.request('notebook.read', { name });
    this.document = parseNotebook(json);
    this.name = name;
    this.saved = undefined;
    this.error = undefined;
    this.changed();
  }

  async create(name: string, config: RunConfig, note: string): Promise<void> {
    await this.flush();
    this.document = notebookFor(config, note);
    this.name = name;
    this.changed();
    await this.write();
  }

  /** Closes it; a change that waits is still written. */
  leave(): void {
    void this.flush();
    this.document = undefined;
    this.name = '';
    this.changed();
  }

  update<K extends CellKind>(kind: K, id: string, change: (cell: CellOf<K>) => CellOf<K>): void {
    const document = this.document;
    if (!document) return;
    const cells: Cell[] = document.cells.map((cell) =>
      cell.kind === kind && cell.id === id ? change(cell as CellOf<K>) : cell,
    );
    this.replace({ ...document, cells });
  }

  /** Puts a changed document in place of the open one, and writes it after a rest. */
  replace(document: Notebook): void {
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
    const train = this.document?.cells.find(({ id }) => id === trainId);
    if (train?.kind !== 'train') return;
    const model = this.document?.cells.find(({ id }) => id === train.model);
    if (model?.kind !== 'model') return;
    this.update('data', model.data, (cell) => ({ ...cell, data: config.data }));
    this.update('model', model.id, (cell) => ({
      ...cell,
      model: config.model,
      diffusion: config.diffusion,
    }));
    this.update('train', train.id, (cell) => ({ ...cell, ...trainSettings(config) }));
  }

  /** What a run would refuse of the settings that a cell is a part of. */
  problems(cellId: string, preferred?: string): Problem[] {
    if (!this.document) return [];
    const parsed = RunConfigSchema.safeParse(configAround(this.document, cellId, preferred));
    return parsed.success ? [] : problemsOf(parsed.error);
  }

  async flush(): Promise<void> {
    if (this.timer !== undefined) await this.write();
  }

  private async write(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    const document = this.document;
    if (!document) return;
    try {
      const { modified } = await this.engine.request('notebook.write', {
        name: this.name,
        json: printNotebook(document),
      });
      if (this.document === document) this.saved = modified;
      this.error = undefined;
    } catch (thrown) {
      this.error = AppError.from(thrown);
    }
  }
}
