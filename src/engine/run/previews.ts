import type { AppError } from '@shared/errors';
import { preview } from '../training/preview';
import type { Gauges } from './gauges';
import type { Job, Jobs } from './jobs';
import type { OpenRun } from './open';
import type { Prober } from './prober';

/** Snapshots of the prototypes to one at which the swaps are measured, at least. */
const MEASURE_EVERY = 2;
/** Share of the training time that measuring may take: small models wait longer for the next one. */
const MEASURE_SHARE = 0.01;

export interface PreviewEvents {
  /** Pictures were stored. */
  made(): void;
  /** Swaps were stored; the mean of them. */
  measured(change: number): void;
  failed(error: AppError): void;
}

/**
 * What a run makes beside its training from a snapshot of its weights: previews, and how much the
 * prototypes matter. The training program holds one such snapshot, so one piece of work at a time
 * uses it, and nothing begins before that has ended.
 */
export class Previews {
  private job: Job | null = null;
  private wanted = false;
  /** Training step of the newest preview begun. */
  private begun = -1;
  /** Training step of a snapshot of the prototypes whose swaps are wanted. */
  private due = -1;
  private measured = -Infinity;
  /** Seconds of training from which on there is time for the next measurement. */
  private earliest = 0;
  private painting = false;

  constructor(
    private readonly open: OpenRun,
    private readonly prober: Prober,
    private readonly gauges: Gauges,
    private readonly jobs: Jobs,
    private readonly events: PreviewEvents,
  ) {}

  /** Pictures are in the making. */
  get busy(): boolean {
    return this.painting;
  }

  /** There is something to begin. */
  get startable(): boolean {
    return this.job === null && (this.wanted || this.due === this.open.trainer.step);
  }

  /** Pictures as soon as those in the making, if any, are done; a measurement gives way. */
  want(): void {
    this.wanted = true;
    if (!this.painting) this.drop();
  }

  /** A snapshot of the prototypes was taken at this step. */
  probed(step: number): void {
    const stride = MEASURE_EVERY * this.open.config.training.probe_every;
    const last = step === this.open.config.training.steps;
    const rested = step - this.measured >= stride && this.gauges.active >= this.earliest;
    if (last || rested) this.due = step;
  }

  /** Begins what is wanted of the weights as they are now. */
  start(): void {
    if (!this.startable) return;
    const { trainer, config } = this.open;
    trainer.executable.call(`snapshot_${config.sampling.weights}`, {});
    const work = this.work(trainer.step, this.wanted, this.due === trainer.step);
    this.painting = this.wanted;
    if (this.wanted) this.begun = trainer.step;
    this.wanted = false;
    this.due = -1;
    this.job = {
      advance: () => {
        if (work.next().done !== true) return false;
        this.job = null;
        return true;
      },
      fail: (error) => {
        this.job = null;
        this.painting = false;
        this.events.failed(error);
      },
    };
    this.jobs.add(this.job, true);
  }

  /** Does all that is wanted now; `last`: with a picture of this step. */
  conclude(last: boolean): void {
    this.wanted ||= last && this.begun !== this.open.trainer.step;
    while (this.startable || this.job !== null) {
      this.start();
      if (this.job !== null) this.jobs.finish(this.job);
    }
  }

  /** The bank is about to change: a picture is finished, a measurement given up. */
  settle(): void {
    if (this.job !== null && this.painting) this.jobs.finish(this.job);
    this.drop();
  }

  /** Gives up what is in the making. */
  drop(): void {
    if (this.job !== null) this.jobs.remove(this.job);
    this.job = null;
  }

  /** The program that a job works with is replaced: it begins again with the next. */
  again(): void {
    this.wanted ||= this.painting;
    this.painting = false;
    this.drop();
  }

  private *work(step: number, picture: boolean, swaps: boolean): Generator<unknown, void, void> {
    if (picture) {
      yield* this.paint(step);
      this.painting = false;
      this.events.made();
    }
    if (swaps) {
      let seconds = 0;
      const work = this.prober.measure(step);
      const advance = (): ReturnType<typeof work.next> => {
        const started = performance.now();
        const turn = work.next();
        seconds += (performance.now() - started) / 1000;
        return turn;
      };
      let turn = advance();
      for (; turn.done !== true; turn = advance()) yield;
      const found = turn.value;
      this.measured = step;
      this.earliest = this.gauges.active + seconds / MEASURE_SHARE;
      this.events.measured(found.reduce((sum, { change }) => sum + change, 0) / found.length);
    }
  }

  private *paint(step: number): Generator<unknown, void, void> {
    const { config, trainer, geometry, writer, bank } = this.open;
    const { sampling } = config;
    const { schedule, executable } = trainer;
    const started = performance.now();
    const made = yield* preview(config, sampling, geometry, schedule, executable, bank.ids);
    const { prototypes, images } = made;
    const seconds = (performance.now() - started) / 1000;
    const settings = { ...sampling, run: writer.run, step, prototypes, seconds };
    writer.writeSamples({ settings, images });
  }
}
