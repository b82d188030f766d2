import type { CellOf } from '@shared/config/notebook';
import type { RunConfig } from '@shared/config/run-config';
import type { QueueJob } from '@shared/protocol/contract-queue';

/** What following the queue asks of the window. */
export interface QueueViewer {
  readonly notebook: { readonly name: string };
  cell(trainId: string): CellOf<'train'> | undefined;
  draft(trainId: string): RunConfig | undefined;
  /** The run that is shown at a train cell; null where its draft is. */
  shownAt(trainId: string): string | null;
  /** It is in the workspace, as far as is known yet. */
  has(run: string): boolean;
  /**
   * @param own   it is the cell's own run from now on; else a guest
   * @param seen  the cell shows it; else what it shows stays, and a notice offers the run
   */
  jobBegan(trainId: string, run: string, own: boolean, seen: boolean): void;
}

/**
 * Once a job begins that was queued from a train cell of the open notebook, the cell has its run, as
 * if it had been started there; also where it began and ended while no window was open. A run of a
 * sweep has other settings than the cell: it is a guest. A person who looks at another run, or
 * changes the settings for the next one, is left at that.
 */
export class QueuedRuns {
  /** The settings of a cell when its job was added here, by job. */
  private readonly asked = new Map<number, string>();
  /** Jobs that were seen to wait: one may have ended before it was seen to train. */
  private readonly waited = new Set<number>();
  /** Runs that have been shown for a job. */
  private readonly shown = new Set<string>();

  constructor(private readonly window: QueueViewer) {}

  added(trainId: string, jobs: readonly number[]): void {
    const draft = JSON.stringify(this.window.draft(trainId));
    for (const job of jobs) this.asked.set(job, draft);
  }

  /** The queue as it is now; also when another notebook was opened, or more runs are known. */
  look(jobs: readonly QueueJob[]): void {
    // In the order that they were taken up: the last one stays.
    for (const job of [...jobs].sort((a, b) => ((a.run ?? '') < (b.run ?? '') ? -1 : 1))) {
      const { run, asked, state } = job;
      if (state === 'queued' || state === 'interrupted') this.waited.add(job.job);
      else if (run !== null && asked.notebook === this.window.notebook.name) {
        const cell = asked.cell === undefined ? undefined : this.window.cell(asked.cell);
        if (!cell) continue;
        if (state === 'running' || this.waited.has(job.job) || this.missed(cell, job, run))
          this.take(cell.id, job, run);
      }
    }
  }

  /**
   * It began and ended unseen: the cell has no later run, and would have this one. Ids of runs are in
   * the order in which they began. What the cell had of it and has no more was deleted.
   */
  private missed(cell: CellOf<'train'>, { sweep }: QueueJob, run: string): boolean {
    return sweep === null && (cell.run === null || cell.run < run) && this.window.has(run);
  }

  private take(trainId: string, { job, sweep }: QueueJob, run: string): void {
    if (this.shown.has(run)) return;
    const now = this.window.shownAt(trainId);
    const before = this.asked.get(job);
    const edited = before !== undefined && before !== JSON.stringify(this.window.draft(trainId));
    const usual = now === this.window.cell(trainId)?.run || (now !== null && this.shown.has(now));
    this.waited.delete(job);
    this.shown.add(run);
    const seen = now === run || (now === null ? !edited : usual);
    this.window.jobBegan(trainId, run, sweep === null, seen);
  }
}
