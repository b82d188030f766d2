import type { Client } from '@shared/protocol/client';
import type { LabelChange } from '@shared/protocol/contract-runs';
import { bytes as size } from '../components/format';
import type { DocumentController } from './document.svelte';
import type { Shell } from './shell.svelte';

/** What the shelf asks of the window. */
export interface ShelfWindow {
  readonly engine: Client;
  readonly document: DocumentController;
  readonly shell: Shell;
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

  /** Asks first, with what is in it: nothing brings these runs back. */
  async emptyTrash(): Promise<void> {
    await this.window.attempt(async () => {
      const { trashed } = await this.window.engine.request('runs.trash', {});
      const names = trashed.slice(0, 5).map(({ name }) => name);
      const more =
        trashed.length > names.length ? ` and ${trashed.length - names.length} more` : '';
      this.window.shell.ask({
        title: trashed.length === 0 ? 'The trash is empty' : 'Empty the trash?',
        words:
          trashed.length === 0
            ? 'Runs that you delete are kept there until you empty it.'
            : `${names.join(', ')}${more}: deleted for good, with checkpoints and pictures.`,
        act: 'Delete for good',
        run: trashed.length === 0 ? undefined : () => void this.emptied(),
      });
    });
  }

  private async emptied(): Promise<void> {
    await this.window.attempt(async () => {
      const { runs, bytes } = await this.window.engine.request('runs.empty_trash', {});
      const many = runs === 1 ? '1 run' : `${runs} runs`;
      this.window.document.notice = { words: `${many} deleted for good, ${size(bytes)} freed.` };
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
