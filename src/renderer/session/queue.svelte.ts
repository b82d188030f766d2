import { addCell } from '@shared/config/document';
import { settingWords } from '@shared/config/settings';
import type { SweepRun } from '@shared/config/sweep';
import type { Client } from '@shared/protocol/client';
import type { QueueJob } from '@shared/protocol/contract-queue';
import { plural } from '../components/format';
import type { DocumentController } from './document.svelte';
import type { NotebookController } from './notebook.svelte';
import { QueuedRuns } from './queued-runs';
import type { QueueViewer } from './queued-runs';

/** What the queue asks of the window. */
export interface QueueWindow {
  readonly engine: Client;
  readonly document: DocumentController;
  readonly notebook: NotebookController;
  readonly trains: QueueViewer;
  attempt(act: () => Promise<void>): Promise<void>;
}

/** Runs that one compare cell shows. */
const COMPARED = 20;

/** The workspace's queue as this window shows and changes it. */
export class QueueController {
  running = $state(false);
  /** What trains, what waits in its order, what has ended, the latest first. */
  jobs = $state.raw<readonly QueueJob[]>([]);
  readonly waiting = $derived(this.jobs.filter(waits));
  readonly ended = $derived(this.jobs.filter((job) => job.state !== 'running' && !waits(job)));

  private readonly followed: QueuedRuns;

  constructor(private readonly window: QueueWindow) {
    this.followed = new QueuedRuns(window.trains);
  }

  begin(onError: (thrown: unknown) => void): void {
    const take = ({ running, jobs }: { running: boolean; jobs: QueueJob[] }): void => {
      this.running = running;
      this.jobs = jobs;
      this.look();
    };
    this.window.engine.subscribe('queue', {}, take, { onError });
  }

  /** Train cells take up the runs of their jobs; also those of a notebook that was opened. */
  look(): void {
    this.followed.look(this.jobs);
  }

  /** A train cell's settings as they are now, at the end of the queue. */
  async add(trainId: string): Promise<void> {
    const config = this.window.notebook.draft(trainId);
    if (config) await this.put(trainId, [{ config, differs: [] }], false);
  }

  async addSweep(trainId: string, runs: readonly SweepRun[]): Promise<void> {
    await this.put(trainId, runs, true);
  }

  private async put(trainId: string, runs: readonly SweepRun[], sweep: boolean): Promise<void> {
    await this.window.attempt(async () => {
      const { jobs } = await this.window.engine.request('queue.add', {
        ...{ jobs: [...runs], sweep },
        asked: { by: 'notebook', notebook: this.window.notebook.name, cell: trainId },
      });
      this.followed.added(trainId, jobs);
      const waits = jobs.length === 1 ? 'A job was added' : `${jobs.length} jobs were added`;
      this.window.document.notice = {
        words: `${waits} to the queue.`,
        brief: true,
        act: { words: 'Undo', run: () => void this.remove(jobs) },
      };
    });
  }

  async start(): Promise<void> {
    await this.ask('queue.start');
  }

  async pause(): Promise<void> {
    await this.ask('queue.pause');
  }

  async clear(): Promise<void> {
    await this.ask('queue.clear');
  }

  async retry(job: number): Promise<void> {
    await this.window.attempt(async () => {
      await this.window.engine.request('queue.retry', { job });
    });
  }

  private async ask(name: 'queue.start' | 'queue.pause' | 'queue.clear'): Promise<void> {
    await this.window.attempt(async () => {
      await this.window.engine.request(name, {});
    });
  }

  /** One place up or down among those that wait. */
  async move(job: number, by: -1 | 1): Promise<void> {
    const ids = this.waiting.map((each) => each.job);
    const to = ids.indexOf(job) + by;
    if (to < 0 || to >= ids.length) return;
    // Down: before the one after the next.
    const before = ids[by < 0 ? to : to + 1] ?? null;
    await this.window.attempt(async () => {
      await this.window.engine.request('queue.move', { job, before });
    });
  }

  /** They no longer wait; the notice offers them back. */
  async remove(jobs: readonly number[]): Promise<void> {
    await this.window.attempt(async () => {
      const { removed } = await this.window.engine.request('queue.remove', { jobs: [...jobs] });
      const words = removed.length === 1 ? 'A job was' : `${plural(removed.length, 'job')} were`;
      this.window.document.notice =
        removed.length === 0
          ? { words: 'They no longer wait.' }
          : {
              words: `${words} removed from the queue.`,
              act: { words: 'Undo', run: () => void this.restore(removed) },
            };
    });
  }

  private async restore(jobs: number[]): Promise<void> {
    await this.window.attempt(async () => {
      this.window.document.notice = undefined;
      await this.window.engine.request('queue.restore', { jobs });
    });
  }

  /** The sweeps that have runs, the newest first, with those runs and what they are over. */
  readonly sweeps = $derived.by(() => {
    const found = new Map<string, { runs: string[]; jobs: number; over: string }>();
    for (const { sweep, run, differs } of [...this.jobs].sort((a, b) => a.job - b.job)) {
      if (sweep === null) continue;
      const { runs, jobs } = found.get(sweep) ?? { runs: [], jobs: 0 };
      const over = differs.map(({ name }) => name).join(' × ');
      found.set(sweep, { runs: run === null ? runs : [...runs, run], jobs: jobs + 1, over });
    }
    return [...found].filter(([, { runs }]) => runs.length > 0).reverse();
  });

  /** The runs of a sweep side by side, in a new cell at the end of the notebook. */
  compare(runs: readonly string[]): void {
    const { notebook, document } = this.window;
    if (!notebook.document) return;
    const { notebook: next, ids } = addCell(notebook.document, 'compare', document.cells.length);
    const id = ids[0];
    const cells = next.cells.map((cell) =>
      cell.kind === 'compare' && cell.id === id ? { ...cell, runs: runs.slice(0, COMPARED) } : cell,
    );
    notebook.edit({ ...next, cells });
    if (id !== undefined) document.go(id);
    if (runs.length > COMPARED)
      document.notice = { words: `The first ${COMPARED} of ${runs.length} runs are compared.` };
  }
}

function waits({ state }: QueueJob): boolean {
  return state === 'queued' || state === 'interrupted';
}

/** A job in a few words: what it has other than its like, or what it is. */
export function jobWords({ differs, preset, data, steps }: QueueJob): string {
  return differs.length > 0
    ? settingWords(differs)
    : `${preset}, ${data}, ${plural(steps, 'step')}`;
}
