import type { KnobChange } from '@shared/config/knobs';
import { FAMILY } from '@shared/config/family';
import type { Act } from '@shared/config/surgery';
import { imagesPerStep } from '@shared/config/run-config';
import type { RunConfig } from '@shared/config/run-config';
import { AppError } from '@shared/errors';
import type { ActEntry, Activity, JournalEntry } from '@shared/protocol/contract';
import type { MetricRow } from '../../store/port';
import { checkpointTensors, needFinite } from '../training/checkpoint';
import type { StepReport } from '../training/trainer';
import { topic } from '../topics';
import type { Topics } from '../topics';
import { ACTS } from './bank';
import { diagnosed } from './diagnose';
import { Gauges } from './gauges';
import type { Jobs } from './jobs';
import { metricRow } from './metric-row';
import type { OpenRun } from './open';
import type { Weights } from './paint';
import { Previews } from './previews';
import { Prober } from './prober';
import { FLUSH_MS, HEARTBEAT_MS, Recorder } from './recorder';
import type { Notify } from './recorder';
import { Steering } from './steering';
import { Tempo } from './tempo';
import { Validating } from './validating';

/** The first step takes seconds: windows that want to show the run are answered before it. */
const FIRST_LOOK_MS = 150;
/** A checkpoint is at most this old while the run trains, ms. */
const CHECKPOINT_MS = 30_000;

type Ending = 'finished' | 'stopped' | 'failed' | 'released';

/**
 * The one active run: steps it, records it, answers the acts on it. Requests are handled
 * between steps (the loop yields after each), so every act happens exactly at a step edge.
 */
export class RunSession {
  readonly run: string;
  readonly gauges: Gauges;
  /** Settles when the run has ended or been released, all of it on disk. */
  readonly ended: Promise<Ending>;
  private readonly tempo: Tempo;
  private stopping: Ending | null = null;
  private wake: () => void = () => undefined;
  private readonly opened: number;
  private readonly prober: Prober;
  private readonly hasBank: boolean;
  private last: StepReport | null = null;
  private lastCheckpoint: { step: number; wall: number } | null = null;
  private readonly previews: Previews;
  /** What was measured beside the steps, for the next row of metrics. */
  private aside: Record<string, number> = {};
  private readonly validating: Validating;
  private readonly steering: Steering;
  private readonly recorder: Recorder;
  /** A row that has its validation loss now; the loop records it. */
  private validated: MetricRow | null = null;
  /** The disk refuses what the run must write: it is paused until someone resumes it. */
  private stuck = false;
  /** What a preview or a validation could not do; the loop handles it. */
  private trouble: AppError | null = null;

  constructor(
    private readonly open: OpenRun,
    private readonly name: string,
    private readonly topics: Topics,
    private readonly notify: Notify,
    private readonly jobs: Jobs,
    private readonly clock: () => number = Date.now,
  ) {
    const { config, writer, active } = open;
    this.run = writer.run;
    this.opened = clock();
    this.tempo = new Tempo(clock);
    this.gauges = new Gauges(config.model.k, imagesPerStep(config.training), active, open.recent);
    this.hasBank = FAMILY[config.model.variant].bank;
    this.recorder = new Recorder(open, topics, notify, clock);
    this.prober = new Prober(open, this.gauges, clock);
    this.previews = new Previews(open, this.prober, this.gauges, jobs, {
      made: () => {
        this.topics.changed(topic.samples(this.run), topic.status);
        this.wake();
      },
      measured: (mean) => {
        this.aside['proto/swap'] = mean;
        this.topics.changed(topic.prototypes(this.run));
        this.wake();
      },
      failed: (error) => this.besideFailed(error, 'A picture'),
    });
    this.validating = new Validating(open, jobs);
    this.steering = new Steering(open, this.prober, this.gauges, topics, clock, {
      flush: () => this.recorder.flush(),
      checkpoint: () => this.checkpointBefore(),
      settle: () => {
        this.finishValidation();
        this.previews.settle();
      },
      leftOut: (message, remedy) => this.recorder.note(message, remedy),
    });
    this.ended = this.loop();
  }

  get step(): number {
    return this.open.trainer.step;
  }

  get config(): RunConfig {
    return this.open.config;
  }

  /**
   * Jobs wait for their time between steps that follow each other, or for a page that loads. In slow motion
   * and while the run waits they have all of it.
   */
  get holdsJobs(): boolean {
    const { paused, delay, givesWay } = this.tempo;
    if (givesWay) return true;
    return !paused && delay === 0 && this.stopping === null && !this.validating.busy;
  }

  /** A copy of the weights as they are now. */
  weights(kind: 'ema' | 'raw'): Weights {
    const { trainer, config, bank } = this.open;
    const { executable } = trainer;
    return {
      config,
      ids: bank.ids,
      step: this.step,
      weights: executable.read(kind === 'ema' ? 'ema' : 'params'),
    };
  }

  activity(): Activity {
    const { config, trainer } = this.open;
    const { step_s } = this.gauges;
    const { paused, delay } = this.tempo;
    const every = trainer.knobs.sample_every;
    return {
      run: this.run,
      name: this.name,
      phase: paused
        ? 'paused'
        : this.last === null
          ? 'preparing'
          : this.previews.busy
            ? 'sampling'
            : 'training',
      step: trainer.step,
      steps: config.training.steps,
      epoch: (trainer.step * imagesPerStep(config.training)) / trainer.images,
      step_s,
      images_per_s: this.gauges.images_per_s,
      eta_s:
        step_s === null
          ? null
          : Math.max(step_s, delay / 1000) * (config.training.steps - trainer.step),
      delay_ms: delay,
      loss: this.last?.metrics.total ?? null,
      knobs: { ...trainer.knobs },
      next_sample_step: (Math.floor(trainer.step / every) + 1) * every,
      last_checkpoint: this.lastCheckpoint ?? this.open.saved,
    };
  }

  /** Journaled first, then in force from the next step on. */
  setKnobs(change: KnobChange): JournalEntry[] {
    return this.steering.setKnobs(change);
  }

  /** An act on the prototypes, as `setKnobs`. */
  operate(act: Act): ActEntry {
    return this.steering.operate(act);
  }

  pause(): number {
    if (!this.tempo.paused) this.setPaused(true, 'Paused.');
    return this.step;
  }

  resume(): number {
    if (this.tempo.paused) this.setPaused(false, 'Resumed.');
    return this.step;
  }

  /** Exactly one step of a paused run, which stays paused. Returns the step it will have reached. */
  singleStep(): number {
    if (!this.tempo.paused) {
      throw new AppError('wrong_state', 'Single steps are for a paused run.', {
        remedy: 'Pause it first.',
      });
    }
    const singles = this.tempo.single();
    this.wake();
    return this.step + singles;
  }

  /** Slow motion: a step starts at the earliest `delay` ms after the one before; 0 is full speed. */
  setPace(delay: number): number {
    this.tempo.slow(delay);
    this.wake();
    this.topics.changed(topic.status);
    return this.step;
  }

  /** The next step starts in `ms` at the earliest, whatever way was given before. */
  giveWay(ms: number): void {
    this.tempo.giveWay(ms);
    this.wake();
  }

  /** Ends the run after a checkpoint. `released` leaves it open to be continued. */
  async stop(ending: 'stopped' | 'released' = 'stopped'): Promise<number> {
    this.stopping ??= ending;
    this.wake();
    await this.ended;
    return this.step;
  }

  /** A picture as soon as the one in the making, if any, is done. */
  sample(): number {
    this.previews.want();
    this.wake();
    return this.step;
  }

  checkpoint(): number {
    this.finishValidation();
    this.recorder.flush();
    const { executable } = this.open.trainer;
    const tensors = checkpointTensors(executable, this.open.geometry, this.step);
    needFinite(tensors, this.step);
    const written = this.open.writer.writeCheckpoint(
      this.step,
      tensors,
      {
        step: String(this.step),
        active_seconds: String(this.gauges.active),
        assignments: this.gauges.memory,
        next_batch: this.open.trainer.nextBatchSha256(),
        ...(this.open.acts.length > 0 && { [ACTS]: String(this.open.acts.length) }),
      },
      this.open.config.training.keep_checkpoints,
    );
    this.lastCheckpoint = { step: written.step, wall: written.wall };
    this.topics.changed(topic.status, topic.runs);
    return this.step;
  }

  /** The training before a change can be gone back to: a checkpoint stands at its step. */
  private checkpointBefore(): void {
    // Before the first step the run stands at a checkpoint, or at its beginning.
    if (this.last !== null && this.lastCheckpoint?.step !== this.step) this.checkpoint();
  }

  /** @throws AppError disk where there is still no room: it stays paused */
  private setPaused(paused: boolean, message: string): void {
    this.recorder.flush();
    this.recorder.event(paused ? 'paused' : 'resumed', message);
    this.tempo.pause(paused);
    this.stuck = false;
    this.beat(true);
    this.wake();
    this.topics.changed(topic.status, topic.runs);
  }

  private async loop(): Promise<Ending> {
    this.beat(true);
    await new Promise((done) => setTimeout(done, FIRST_LOOK_MS));
    for (;;) {
      // Lets requests, timers and sockets have their turn: the step itself blocks the process.
      await new Promise((done) => setImmediate(done));
      try {
        this.recordValidated();
        const done = this.step >= this.open.config.training.steps && !this.stuck;
        const ending = this.stopping ?? (done ? 'finished' : null);
        if (ending !== null) {
          this.conclude(ending);
          return ending;
        }
        this.probe();
        if (this.startable) this.previews.start();
        if (this.stepDue) this.advance();
        else if (!this.startable && this.trouble === null) await this.sleep();
        this.beat();
        if (this.trouble !== null) throw this.trouble;
      } catch (thrown) {
        const ending = this.handle(AppError.from(thrown));
        if (ending !== null) return ending;
      }
    }
  }

  /** Steps wait for a validation, and pictures too: they would hold it up. */
  private get startable(): boolean {
    return this.previews.startable && !this.validating.busy;
  }

  private get stepDue(): boolean {
    if (this.validating.busy || this.validated !== null) return false;
    if (this.step >= this.open.config.training.steps) return false;
    return this.tempo.due;
  }

  private advance(): void {
    this.tempo.begins();
    this.jobs.spend(this.train());
    if (this.tempo.paused || this.tempo.delay > FLUSH_MS) this.recorder.flush();
  }

  /** One step; returns the seconds it took. */
  private train(): number {
    this.steering.makeDue();
    const started = performance.now();
    const report = this.open.micro.step(
      this.open,
      () => this.previews.again(),
      (halved) => this.notify('warning', halved),
    );
    const seconds = (performance.now() - started) / 1000;
    this.gauges.add(seconds, report.index);
    this.last = report;
    const beside = { ...this.probe(), ...this.aside };
    this.aside = {};
    const row = metricRow(report, this.gauges, this.hasBank, this.clock(), beside);
    if (this.validating.due(report.step)) this.validate(row);
    else this.record(row);
    this.topics.changed(this.tempo.paused ? topic.status : topic.progress);
    return seconds;
  }

  /** What is made beside the steps is left out where there is no memory for it. */
  private besideFailed(error: AppError, what: string): void {
    if (error.code !== 'oom') this.trouble = error;
    else this.notify('warning', `${what} at step ${this.step} was left out. ${error.message}`);
    this.wake();
  }

  /** Takes the snapshot of the prototypes that is due, if any, in the time of the jobs. */
  private probe(last?: boolean): Record<string, number> {
    if (!this.prober.due(this.step, last)) return {};
    const started = performance.now();
    const values = this.prober.take();
    this.previews.probed(this.step);
    this.jobs.charge((performance.now() - started) / 1000);
    this.topics.changed(topic.prototypes(this.run));
    return values;
  }

  /** The row waits for the losses that belong into it, and the next step for the row. */
  private validate(row: MetricRow): void {
    this.validating.begin(
      (metrics) => {
        Object.assign(row.values, metrics);
        this.validated = row;
        this.wake();
      },
      (error) => this.besideFailed(error, 'The validation loss'),
    );
    this.recorder.flush();
  }

  private finishValidation(): void {
    this.validating.finish();
    this.recordValidated();
  }

  private recordValidated(): void {
    const row = this.validated;
    this.validated = null;
    if (row !== null) this.record(row);
  }

  private record(row: MetricRow): void {
    this.recorder.row(row);
    if (row.step % this.open.trainer.knobs.sample_every === 0) this.previews.want();
    if (this.checkpointDue(row.step)) this.checkpoint();
  }

  /** By steps as configured, and by time, so that slow steps do not put much at risk. */
  private checkpointDue(step: number): boolean {
    return (
      step % this.open.config.training.checkpoint_every === 0 ||
      this.clock() - (this.lastCheckpoint?.wall ?? this.opened) >= CHECKPOINT_MS
    );
  }

  private beat(now = false): void {
    this.recorder.beat(this.tempo.paused, now);
  }

  /** Waits for an act, but no longer than a heartbeat or the next step of slow motion. */
  private async sleep(): Promise<void> {
    const ms = this.validating.busy ? HEARTBEAT_MS : this.tempo.remaining;
    await new Promise<void>((done) => {
      const timer = setTimeout(done, Math.max(0, Math.min(HEARTBEAT_MS, ms)));
      this.wake = () => {
        clearTimeout(timer);
        done();
      };
    });
  }

  private conclude(ending: Ending): void {
    // The last loss is worth the wait; who stops a run wants it stopped.
    if (ending === 'finished') this.validating.finish();
    else this.validating.giveUp();
    // The map ends where the run does; the row of that step is written.
    if (ending === 'stopped') this.probe(true);
    // A finished run ends with a picture of its last step.
    if (ending !== 'released') this.previews.conclude(ending === 'finished');
    this.checkpoint();
    this.close(ending);
  }

  private close(ending: Ending, problem?: string): void {
    const { writer, trainer } = this.open;
    this.validating.giveUp();
    this.recordValidated();
    this.recorder.flush();
    this.previews.drop();
    if (ending === 'released') {
      writer.release();
    } else {
      const told = `The run ${ending === 'finished' ? 'has finished' : `was ${ending}`}.`;
      this.recorder.event(ending, problem ?? told);
      writer.end(ending, problem);
    }
    trainer.executable.dispose();
    this.topics.changed(topic.status, topic.runs);
  }

  /** A full disk pauses the run, with nothing lost; anything else ends it. */
  private handle(error: AppError): Ending | null {
    this.trouble = null;
    if (error.code === 'disk' && this.stopping === null) {
      // Told once: the heartbeat of a run that waits for room fails every second.
      if (!this.stuck) this.notify('error', `Paused. ${error.message}`, error.remedy);
      this.tempo.pause(true);
      this.stuck = true;
      this.topics.changed(topic.status);
      return null;
    }
    const message = diagnosed(error, this.open.diagnose);
    this.notify('error', message, error.remedy);
    try {
      this.close(this.stopping === 'released' ? 'released' : 'failed', message);
    } catch (thrown) {
      this.notify(
        'error',
        `The end of the run could not be recorded: ${AppError.from(thrown).message}`,
      );
    }
    return 'failed';
  }
}
