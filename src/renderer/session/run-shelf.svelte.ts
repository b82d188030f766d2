import type { Client } from '@shared/protocol/client';
import type { LabelChange, Trashed } from '@shared/protocol/contract-runs';
import { bytes as size, plural } from '../components/format';
import type { DocumentController } from './document.svelte';
import type { Shell } from './shell.svelte';
import type { TrainCells } from './train-cells.svelte';

/** What the shelf asks of the window. */
export interface ShelfWindow {
  readonly engine: Client;
  readonly document: DocumentController;
  readonly shell: Shell;
  attempt(act: () => Promise<void>): Promise<void>;
  readonly trains: TrainCells;
  view(run: string): void;
}

/** Whole runs, as a person keeps them: named, tagged, copied, in files, in the trash. */
export class RunShelf {
  /** Deleted runs, the latest first, as they were when last asked for. */
  trashed = $state.raw<readonly Trashed[]>([]);

  constructor(private readonly window: ShelfWindow) {}

  async label(run: string, change: LabelChange): Promise<void> {
    await this.window.attempt(async () => {
      await this.window.engine.request('run.label', { run, change });
    });
  }

  /** Whether the checkpoint of a step stays however old it gets. */
  async keep(run: string, step: number, keep: boolean): Promise<void> {
    await this.window.attempt(async () => {
      await this.window.engine.request('run.keep', { run, step, keep });
    });
  }

  /** Into the workspace's trash; the notice offers it back. */
  async remove(run: string, name: string): Promise<void> {
    await this.window.attempt(async () => {
      const { trashed } = await this.window.engine.request('run.delete', { run });
      this.window.trains.forget(run);
      this.window.document.notice = {
        words: `${name} was moved to the trash.`,
        act: { words: 'Undo', run: () => void this.restore(trashed) },
      };
    });
  }

  /** Lists anew what is in the trash. */
  async readTrash(): Promise<void> {
    await this.window.attempt(async () => {
      this.trashed = (await this.window.engine.request('runs.trash', {})).trashed;
    });
  }

  async restore(trashed: string): Promise<void> {
    await this.window.attempt(async () => {
      this.window.document.notice = undefined;
      const { run } = await this.window.engine.request('run.restore', { trashed });
      this.window.view(run);
    });
  }

  /** Asks first: nothing brings the run back. */
  erase({ trashed, name }: Trashed): void {
    this.askToDelete(`Delete ${name} for good?`, 'It goes with its checkpoints and pictures.', () =>
      this.window.engine.request('run.erase', { trashed }),
    );
  }

  /** Asks first, with what is in it. */
  emptyTrash(): void {
    const names = this.trashed.slice(0, 5).map(({ name }) => name);
    const rest = this.trashed.length - names.length;
    const words = `${names.join(', ')}${rest > 0 ? ` and ${rest} more` : ''}: deleted for good, with checkpoints and pictures.`;
    this.askToDelete('Delete these runs for good?', words, () =>
      this.window.engine.request('runs.empty_trash', {}),
    );
  }

  private askToDelete(
    title: string,
    words: string,
    act: () => Promise<{ runs?: number; bytes: number }>,
  ): void {
    const run = async (): Promise<void> => {
      await this.window.attempt(async () => {
        const { runs = 1, bytes } = await act();
        const words = `${plural(runs, 'run')} deleted for good, ${size(bytes)} freed.`;
        this.window.document.notice = { words };
      });
      await this.readTrash();
    };
    this.window.shell.ask({ title, words, act: 'Delete for good', run: () => void run() });
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
