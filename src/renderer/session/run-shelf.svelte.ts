import type { Client } from '@shared/protocol/client';
import type { LabelChange } from '@shared/protocol/contract-runs';
import type { DocumentController } from './document.svelte';

/** What the shelf asks of the window. */
export interface ShelfWindow {
  readonly engine: Client;
  readonly document: DocumentController;
  attempt(act: () => Promise<void>): Promise<void>;
  /** A run is gone: nothing shows it any more. */
  forget(run: string): void;
  view(run: string): void;
}

/** Whole runs, as a person keeps them: named, tagged, copied, in files, in the trash. */
export class RunShelf {
  constructor(private readonly window: ShelfWindow) {}

  async label(run: string, change: LabelChange): Promise<void> {
    await this.window.attempt(async () => {
      await this.window.engine.request('run.label', { run, change });
    });
  }

  /** Into the workspace's trash; the notice offers it back. */
  async remove(run: string, name: string): Promise<void> {
    await this.window.attempt(async () => {
      const { trashed } = await this.window.engine.request('run.delete', { run });
      this.window.forget(run);
      this.window.document.notice = {
        words: `${name} was moved to the trash.`,
        act: { words: 'Undo', run: () => void this.restore(trashed) },
      };
    });
  }

  async restore(trashed: string): Promise<void> {
    await this.window.attempt(async () => {
      this.window.document.notice = undefined;
      const { run } = await this.window.engine.request('run.restore', { trashed });
      this.window.view(run);
    });
  }

  async copy(run: string): Promise<void> {
    await this.window.attempt(async () => {
      const { run: copy } = await this.window.engine.request('run.copy', { run });
      this.window.view(copy);
    });
  }

  async export(run: string): Promise<void> {
    await this.window.attempt(async () => {
      const { file } = await this.window.engine.request('run.export', { run });
      this.window.document.notice = { words: `Exported to ${file}.` };
    });
  }

  /** @param file  absolute path on the engine's machine */
  async import(file: string): Promise<void> {
    await this.window.attempt(async () => {
      const { run } = await this.window.engine.request('run.import', { file });
      this.window.view(run);
    });
  }
}
