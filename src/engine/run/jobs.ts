import { AppError } from '@shared/errors';

/** Work that is done a piece at a time, so that training and requests have their turn between. */
export interface Job {
  /** Does one piece; true when it was the last. */
  advance(): boolean;
  /** A piece threw: the job is out of the queue already. */
  fail(error: AppError): void;
}

/** Share of the training time that jobs may add to it: training keeps 1 / 1.75 of its rate. */
const SHARE = 0.75;
/** How often a job that waits for training to end or pause looks, ms. */
const LOOK_MS = 20;

/**
 * The queue of pictures in the making. While a run trains, the session gives out time after each
 * step and a job takes pieces until it is spent; a piece longer than a step is paid back from the
 * steps after it. While nothing trains, the queue moves by itself, one piece an event-loop turn.
 */
export class Jobs {
  private readonly queue: Job[] = [];
  private credit = 0;
  private driving = false;

  constructor(
    /** Whether jobs wait: steps are being made, and `spend` will be called, or a page loads. */
    private readonly training: () => boolean,
    /** Seconds. */
    private readonly now: () => number = () => performance.now() / 1000,
  ) {}

  /** Returns the function that gives the job up. `first` puts it before those that wait. */
  add(job: Job, first = false): () => void {
    if (first) this.queue.unshift(job);
    else this.queue.push(job);
    void this.drive();
    return () => this.remove(job);
  }

  /** Jobs that are before this one. */
  ahead(job: Job): number {
    return Math.max(0, this.queue.indexOf(job));
  }

  /** Time for jobs after a training step of so many seconds. */
  spend(stepSeconds: number): void {
    const most = stepSeconds * SHARE;
    this.credit = Math.min(most, this.credit + most);
    while (this.credit > 0 && this.queue.length > 0) {
      const started = this.now();
      this.piece();
      this.credit -= this.now() - started;
    }
  }

  /** Work that was done between steps beside the queue: the jobs wait for so long. */
  charge(seconds: number): void {
    this.credit -= seconds;
  }

  /** Does what is left of one job now. */
  finish(job: Job): void {
    if (!this.queue.includes(job)) return;
    this.remove(job);
    this.queue.unshift(job);
    while (this.queue[0] === job) this.piece();
  }

  /** Drops all that waits. */
  close(): void {
    this.queue.length = 0;
  }

  remove(job: Job): void {
    const at = this.queue.indexOf(job);
    if (at >= 0) this.queue.splice(at, 1);
  }

  private piece(): void {
    const [job] = this.queue;
    if (job === undefined) return;
    try {
      if (job.advance()) this.remove(job);
    } catch (thrown) {
      this.remove(job);
      job.fail(AppError.from(thrown));
    }
  }

  private async drive(): Promise<void> {
    if (this.driving) return;
    this.driving = true;
    while (this.queue.length > 0) {
      if (this.training()) {
        await new Promise((done) => setTimeout(done, LOOK_MS));
        continue;
      }
      await new Promise((done) => setImmediate(done));
      if (!this.training()) this.piece();
    }
    this.driving = false;
  }
}
