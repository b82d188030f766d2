import { withoutRun } from '@shared/config/document';
import { parseNotebook } from '@shared/config/notebook';
import type { Notebook } from '@shared/config/notebook';
import type { Client } from '@shared/protocol/client';
import type { RequestOutput } from '@shared/protocol/contract';
import type { DocumentController } from './document.svelte';
import type { NotebookController } from './notebook.svelte';

/** What the library asks of the window. */
export interface LibraryWindow {
  readonly engine: Client;
  readonly notebook: NotebookController;
  readonly document: DocumentController;
  starting: boolean;
  attempt(act: () => Promise<void>): Promise<void>;
  openNotebook(name: string): Promise<void>;
  openNew(title: string, document: Notebook): Promise<void>;
  remember(): void;
}

/** The notebooks of the workspace: listed, renamed, copied, deleted and brought back. */
export class Library {
  notebooks = $state.raw<RequestOutput<'notebooks.list'>['notebooks']>();
  trash = $state.raw<RequestOutput<'notebooks.trash'>['trashed']>([]);

  constructor(private readonly window: LibraryWindow) {}

  async list(): Promise<void> {
    const { engine } = this.window;
    const [listed, trash] = await Promise.all([
      engine.request('notebooks.list', {}),
      engine.request('notebooks.trash', {}),
    ]);
    this.notebooks = listed.notebooks;
    this.trash = trash.trashed;
  }

  freeName(title: string): string {
    return freeName(title, new Set(this.notebooks?.map(({ name }) => name)));
  }

  /** When the window gets the focus: the open notebook's file may have been changed by another. */
  async look(): Promise<void> {
    if (!this.window.notebook.document) return;
    await this.window.attempt(async () => {
      await this.list();
      const { name } = this.window.notebook;
      await this.window.notebook.look(this.notebooks?.find((each) => each.name === name)?.modified);
    });
  }

  /** Another name for a notebook's file. */
  async rename(name: string, to: string): Promise<void> {
    if (to === name) return;
    await this.window.attempt(async () => {
      if (name === this.window.notebook.name) await this.window.notebook.flush();
      const { modified } = await this.window.engine.request('notebook.rename', { name, to });
      if (name === this.window.notebook.name) this.window.notebook.renamed(to, modified);
      this.window.remember();
      await this.list();
    });
  }

  /** A copy with the same cells; their runs stay with the first. */
  async duplicate(name: string): Promise<void> {
    await this.window.attempt(async () => {
      await this.window.notebook.flush();
      const { json } = await this.window.engine.request('notebook.read', { name });
      const document = parseNotebook(json);
      await this.window.openNew(name, { ...document, cells: document.cells.map(withoutRun) });
    });
  }

  /** Into the workspace's trash; the notice offers it back. */
  async remove(name: string): Promise<void> {
    await this.window.attempt(async () => {
      const open = name === this.window.notebook.name;
      if (open) await this.window.notebook.flush();
      const { trashed } = await this.window.engine.request('notebook.delete', { name });
      if (open) this.window.notebook.forget();
      await this.list();
      this.window.document.notice = {
        words: `The notebook “${name}” was moved to the trash; its runs stay.`,
        act: { words: 'Undo', run: () => void this.restore(trashed, name) },
      };
      const next = this.notebooks?.[0]?.name;
      if (open && next !== undefined) await this.window.openNotebook(next);
      else if (open) this.window.starting = true;
    });
  }

  async restore(trashed: string, name: string): Promise<void> {
    await this.window.attempt(async () => {
      this.window.document.notice = undefined;
      const to = this.freeName(name);
      await this.window.engine.request('notebook.restore', { trashed, name: to });
      await this.list();
      await this.window.openNotebook(to);
    });
  }
}

/** A title as a file may be called that is not taken yet: the store says what a name may hold. */
export function freeName(title: string, taken: ReadonlySet<string>): string {
  const plain = Array.from(title.replace(/[/\\<>:"|?*\p{Cc}\p{Cs}\s]+/gu, ' '))
    .slice(0, 60)
    .join('')
    .replace(/^[. ]+|[. ]+$/g, '');
  const name = plain === '' ? 'Notebook' : plain;
  if (!taken.has(name)) return name;
  let n = 2;
  while (taken.has(`${name} ${n}`)) n += 1;
  return `${name} ${n}`;
}
