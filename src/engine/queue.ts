import type { RunConfig } from '@shared/config/run-config';
import { AppError } from '@shared/errors';
import type { Notice, RunSummary, SubscriptionEvent } from '@shared/protocol/contract';
import type { QueuedJob } from '../store/queue';
import type { RunStore } from '../store/port';

/** What the queue asks of the engine. */
export interface QueueDesk {
  store: RunStore;
  /** Nothing trains and nothing is being started. */
  idle(): boolean;
  /** A new run for the job, or the one that it has, from its newest checkpoint. */
  train(job: QueuedJob): Promise<unknown>;
  stop(run: string): Promise<unknown>;
  /** Seconds that a run takes; null where this machine cannot say. */
  seconds(config: RunConfig): number | null;
  notify(level: Notice['level'], message: string, remedy?: string): void;
  changed(): void;
}

/** Looks this often for what other processes did to the queue, ms. */
const LOOK_MS = 2000;

/**
 * Starts the next job of the workspace's queue whenever nothing trains, while the queue runs. It
 * does not when the engine opens: a person starts it, or adds to a queue in which nothing waits.
 */
export class QueueRunner {
  running = false;
  /** A person paused it: what is added waits for the word too. */
  held = false;
  /** Only jobs of this sweep. */
  private only: string | undefined;
  /** The job whose run trains, or is being started. */
  private current: QueuedJob | null = null;
  private interrupting = false;
  private readonly seconds = new Map<number, number | null>();
  private readonly looking: ReturnType<typeof setInterval>;

  constructor(private readonly desk: QueueDesk) {
    let seen = desk.store.queue.stamp();
    this.looking = setInterval(() => {
      const now = desk.store.queue.stamp();
      if (now !== seen) desk.changed();
      seen = now;
    }, LOOK_MS);
    this.looking.unref();
  }

  private get queue(): RunStore['queue'] {
    return this.desk.store.queue;
  }

  snapshot(): SubscriptionEvent<'queue'> {
    const jobs = this.queue.list().map(({ config, changed: _changed, ...job }) => ({
      ...job,
      preset: config?.preset ?? 'unknown',
      data: config?.data.source.kind ?? 'unknown',
      steps: config?.training.steps ?? 0,
      seconds: config === null ? null : this.secondsOf(job.job, config),
    }));
    return { running: this.running, jobs };
  }

  private secondsOf(job: number, config: RunConfig): number | null {
    const known = this.seconds.get(job) ?? this.desk.seconds(config);
    this.seconds.set(job, known);
    return known;
  }

  get waits(): boolean {
    return this.queue
      .list()
      .some(
        ({ state, elsewhere }) => !elsewhere && (state === 'queued' || state === 'interrupted'),
      );
  }

  start(sweep?: string): void {
    this.only = sweep;
    this.held = false;
    this.run(true);
    this.next();
  }

  /** @param interrupt  the run that trains for the queue stops, and its job goes on later */
  async pause(interrupt: boolean): Promise<void> {
    this.held = true;
    this.run(false);
    if (!interrupt) return;
    const { current } = this;
    this.interrupting = current !== null;
    // One that is still being started is stopped when it has been.
    const run = current?.run ?? null;
    if (run !== null && !this.desk.idle()) await this.stopNow(run);
    this.queue.free();
    this.desk.changed();
  }

  /** The next job, if the queue runs and nothing trains. */
  next(): void {
    if (!this.running || !this.desk.idle()) return;
    try {
      const job = this.queue.take(this.only);
      if (job === null) this.run(false);
      else {
        this.current = job;
        void this.begin(job);
      }
    } catch (thrown) {
      this.halt(AppError.from(thrown));
    }
  }

  private async begin(job: QueuedJob): Promise<void> {
    try {
      await this.work(job);
    } catch (thrown) {
      this.current = null;
      this.interrupting = false;
      this.recorded(() => this.refused(job, AppError.from(thrown)));
    }
    this.desk.changed();
    this.next();
  }

  private async work(job: QueuedJob): Promise<void> {
    const summary = job.run === null ? null : this.summaryOf(job.run);
    // The process died after the run's end was recorded, and before the job's.
    if (summary?.state === 'finished' || summary?.state === 'failed') {
      this.current = null;
      this.conclude(job.job, summary);
      return;
    }
    await this.desk.train(summary === null ? { ...job, run: null } : job);
  }

  /** Null for a run that was deleted. */
  private summaryOf(run: string): RunSummary | null {
    try {
      return this.desk.store.read(run).summary;
    } catch (thrown) {
      if (AppError.from(thrown).code === 'not_found') return null;
      throw thrown;
    }
  }

  /** A job that cannot be started fails; where the disk or another process is the cause, all wait. */
  private refused({ job }: QueuedJob, error: AppError): void {
    if (error.code === 'disk' || error.code === 'busy') {
      this.queue.putBack(job);
      this.halt(error);
      return;
    }
    this.queue.end(job, 'failed', [error.message, error.remedy].filter(Boolean).join(' '));
    this.desk.notify('error', `Job ${job} of the queue has failed. ${error.message}`, error.remedy);
  }

  /** A notebook was renamed. */
  renamed(from: string, to: string): void {
    this.recorded(() => this.queue.renamed(from, to));
    this.desk.changed();
  }

  /** A new notebook: what a former one of its name queued is not its own. */
  notebookMade(name: string): void {
    this.recorded(() => this.queue.disown(name));
    this.desk.changed();
  }

  /** The run's folder is there. */
  made(job: number, run: string): void {
    this.queue.began(job, run);
    if (this.current?.job === job) this.current = { ...this.current, run };
    this.desk.changed();
  }

  /** A run was taken up by anybody: it may be that of a job. */
  launched(run: string): void {
    this.recorded(() => {
      const job = this.queue.adopt(run);
      if (job === null) return;
      this.current = { ...job, run };
      this.tag(run, job.sweep);
      if (this.interrupting) void this.stopNow(run);
    });
    this.desk.changed();
  }

  private async stopNow(run: string): Promise<void> {
    try {
      await this.desk.stop(run);
    } catch (thrown) {
      // It has ended by itself at that very moment.
      if (AppError.from(thrown).code !== 'wrong_state') throw thrown;
    }
  }

  private tag(run: string, sweep: string | null): void {
    if (sweep === null) return;
    const { tags } = this.desk.store.read(run).summary;
    if (!tags.includes(sweep)) this.desk.store.shelf.label(run, { tags: [...tags, sweep] });
  }

  ended(run: string, ending: 'finished' | 'stopped' | 'failed' | 'released'): void {
    // What was measured meanwhile tells more than a trial.
    this.seconds.clear();
    const { current, interrupting } = this;
    if (current?.run === run) {
      this.current = null;
      this.interrupting = false;
      this.recorded(() => {
        if (ending === 'released' || (ending === 'stopped' && interrupting))
          this.queue.putBack(current.job);
        else this.conclude(current.job, this.desk.store.read(run).summary);
      });
    }
    this.desk.changed();
    this.next();
  }

  private conclude(job: number, { state, step, problem }: RunSummary): void {
    if (state === 'finished') this.queue.end(job, 'done', null);
    else if (state === 'stopped') this.queue.end(job, 'cancelled', `Stopped at step ${step}.`);
    else this.queue.end(job, 'failed', problem ?? `The run ended at step ${step}.`);
  }

  /** The queue cannot be written, or not be gone on with: nothing more is started. */
  private halt(error: AppError): void {
    this.run(false);
    this.desk.notify('error', `The queue is paused. ${error.message}`, error.remedy);
  }

  private recorded(act: () => void): void {
    try {
      act();
    } catch (thrown) {
      this.halt(AppError.from(thrown));
    }
  }

  private run(runs: boolean): void {
    this.running = runs;
    if (!runs) this.only = undefined;
    try {
      this.queue.setRunner(runs);
    } catch (thrown) {
      // Only a start after a crash would have asked for it.
      const { message, remedy } = AppError.from(thrown);
      this.desk.notify('warning', message, remedy);
    }
    this.desk.changed();
  }

  /** After the runs that the process before this one trained were taken up. */
  recover(pid: number): void {
    this.recorded(() => {
      if (this.queue.ranBy(pid)) this.start();
    });
  }

  close(): void {
    clearInterval(this.looking);
    this.run(false);
  }
}
