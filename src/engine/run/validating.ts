import type { AppError } from '@shared/errors';
import type { ValidationMetrics } from '@shared/protocol/contract';
import { validate } from '../training/validation';
import type { Job, Jobs } from './jobs';
import type { OpenRun } from './open';

/**
 * The validation of the step just made, as a job of single network calls. Steps wait for it, so
 * that the loss is exactly that step's and stands in its row; requests are handled between calls.
 */
export class Validating {
  private job: Job | null = null;
  private end: (metrics: ValidationMetrics | null) => void = () => undefined;

  constructor(
    private readonly open: OpenRun,
    private readonly jobs: Jobs,
  ) {}

  get busy(): boolean {
    return this.job !== null;
  }

  /** At every so many steps, and at the last. */
  due(step: number): boolean {
    const { validate_every: every, steps } = this.open.config.training;
    return every > 0 && (step % every === 0 || step === steps);
  }

  /** `end` is told the losses, or null when they were given up or `fail` was told why not. */
  begin(end: (metrics: ValidationMetrics | null) => void, fail: (error: AppError) => void): void {
    const { config, geometry, trainer, dataset } = this.open;
    const { schedule, executable } = trainer;
    const work = validate(config, geometry, dataset, schedule, executable);
    this.end = end;
    this.job = {
      advance: () => {
        const started = performance.now();
        const turn = work.next();
        // Training waited: what else waits pays it back.
        this.jobs.charge((performance.now() - started) / 1000);
        if (turn.done) this.settle(turn.value);
        return turn.done === true;
      },
      fail: (error) => {
        fail(error);
        this.settle(null);
      },
    };
    this.jobs.add(this.job, true);
  }

  /** Does the rest now. */
  finish(): void {
    if (this.job !== null) this.jobs.finish(this.job);
  }

  giveUp(): void {
    if (this.job === null) return;
    this.jobs.remove(this.job);
    this.settle(null);
  }

  private settle(metrics: ValidationMetrics | null): void {
    this.job = null;
    this.end(metrics);
  }
}
