import type { JournalPlan } from '@shared/config/journal';
import { KNOBS } from '@shared/config/knobs';
import type { RunConfig } from '@shared/config/run-config';
import { AppError } from '@shared/errors';
import type { Notice, Preparing } from '@shared/protocol/contract';
import type { RunOrigin, RunStore, RunWriter } from '../store/port';
import type { QueuedJob } from '../store/queue';
import type { LoadedBackend } from './backend';
import type { Dataset } from './data/dataset';
import type { Datasets } from './datasets';
import type { QueueRunner } from './queue';
import { withBoard } from './run/board-writer';
import { childOf } from './run/branch';
import { firstBadTensor } from './run/diagnose';
import type { Jobs } from './run/jobs';
import { checkDataFits, openContinued, openFresh } from './run/open';
import { knobsAt } from './run/planned';
import { RunSession } from './run/session';
import { topic } from './topics';
import type { Topics } from './topics';

/** What the starting of runs asks of the engine. */
export interface StartDesk {
  store: RunStore;
  backend: LoadedBackend;
  datasets: Datasets;
  topics: Topics;
  jobs: Jobs;
  appVersion: string;
  queue(): QueueRunner;
  notify(level: Notice['level'], message: string, remedy?: string): void;
  /** A run trains no longer. */
  ended(session: RunSession): void;
}

/** For a word to reach the windows before the process is busy: longer than a feed's interval, ms. */
const TELL_MS = 120;

/** The ways in which a run comes to train; it is one run at a time. */
export class Starts {
  session: RunSession | null = null;
  private starting: Preparing | null = null;

  constructor(private readonly desk: StartDesk) {}

  /** Nothing trains and nothing is being started. */
  idle(): boolean {
    return this.session === null && this.starting === null;
  }

  /** @throws AppError wrong_state when it is not this run that trains */
  active(run: string): RunSession {
    if (this.session?.run === run) return this.session;
    throw new AppError('wrong_state', 'That run is not training now.', {
      remedy: 'Continue it first.',
    });
  }

  /** One run at a time: two would share the processor and both be slow. */
  async begin<T>(start: () => Promise<T>): Promise<T> {
    if (!this.idle()) {
      throw new AppError('busy', 'Another run is training.', {
        remedy: 'Stop it first, or wait until it has finished.',
      });
    }
    this.tellStarting({ run: null, doing: 'reading the images' });
    try {
      return await start();
    } finally {
      this.tellStarting(null);
      // Where nothing was started the queue may go on, once the failure was told.
      setImmediate(() => this.desk.queue().next());
    }
  }

  private tellStarting(starting: Preparing | null): void {
    this.starting = starting;
    this.desk.topics.changed(topic.status);
  }

  preparing(): Preparing | undefined {
    if (this.starting !== null) return this.starting;
    const { session } = this;
    return session?.activity().phase === 'preparing'
      ? { run: session.run, doing: 'making the first step' }
      : undefined;
  }

  /** A job's run: the one that it has, from its newest checkpoint, or a new one. */
  job(job: QueuedJob): Promise<unknown> {
    if (job.run !== null) return this.again(job.run);
    if (job.config === null) throw new AppError('internal', 'a job without settings was taken');
    return this.fresh(job.config, [], job.job);
  }

  /** @param job  of the queue, that the run is made for */
  async fresh(config: RunConfig, plan: JournalPlan = [], job?: number): Promise<{ run: string }> {
    const dataset = await this.desk.datasets.load(config.data);
    checkDataFits(config, dataset);
    const origin = { ...this.originOf(config, dataset, plan), ...(job && { job }) };
    const writer = this.recorded(this.desk.store.create(origin), config);
    if (job !== undefined) this.desk.queue().made(job, writer.run);
    await this.launch(writer, () => openFresh(config, dataset, this.desk.backend, writer, plan));
    return { run: writer.run };
  }

  private recorded(writer: RunWriter, config: RunConfig): RunWriter {
    return withBoard(writer, this.desk.store, { config });
  }

  originOf(config: RunConfig, dataset: Dataset, plan: JournalPlan): RunOrigin {
    return {
      config,
      ...(plan.length > 0 ? { plan } : {}),
      data: { name: dataset.name, fingerprint: dataset.fingerprint, images: dataset.count },
      versions: {
        protodiff: this.desk.appVersion,
        node: process.version,
        backend: `${this.desk.backend.info.name} ${this.desk.backend.info.version} ${this.desk.backend.info.device}`,
      },
    };
  }

  /** A child of a run, from its checkpoint at `step`, which goes on as if the run had had `config`. */
  async branch(run: string, step: number, config: RunConfig): Promise<{ run: string }> {
    const dataset = await this.desk.datasets.load(config.data);
    checkDataFits(config, dataset);
    const { parent, plan, bank, first, name, labels } = childOf(this.desk.store, run, step, config);
    const origin = { ...this.originOf(config, dataset, plan), parent, ...(bank && { bank }) };
    const writer = this.recorded(this.desk.store.create(origin, first, labels), config);
    const child = (): ReturnType<typeof openFresh> =>
      openContinued(writer.run, this.desk.store, dataset, this.desk.backend, writer);
    await this.launch(writer, child, `Branched from ${name} at step ${step}.`);
    return { run: writer.run };
  }

  /** @param step  what came after it is dropped; by default it is done again */
  async again(run: string, step?: number): Promise<{ run: string; from_step: number }> {
    const { origin, summary } = this.desk.store.read(run);
    if (summary.state === 'finished') {
      throw new AppError(
        'wrong_state',
        `${summary.name} has finished its ${summary.steps} steps.`,
        {
          remedy: 'Start a new run with more steps.',
        },
      );
    }
    const dataset = await this.datasetOf(origin);
    const writer = this.recorded(this.desk.store.open(run), origin.config);
    const session = await this.launch(writer, () => {
      if (step !== undefined) writer.rewindTo(step);
      return openContinued(run, this.desk.store, dataset, this.desk.backend, writer);
    });
    return { run, from_step: session.step };
  }

  /** Goes on from the last good checkpoint with half the rate of the step that it is of. */
  async rollBack(run: string): Promise<{ run: string; from_step: number; lr: number }> {
    const { step } = this.desk.store.loadCheckpoint(run);
    const { origin, journal } = this.desk.store.read(run);
    const { lr: used } = knobsAt(origin.config.knobs, journal, step - 1);
    const lr = Math.max(KNOBS.lr.min, used / 2);
    const begun = await this.again(run, step);
    this.active(run).setKnobs({ lr });
    return { ...begun, lr };
  }

  /** A run's images, as they were when it began. @throws AppError bad_data when they have changed */
  async datasetOf({ config, data }: RunOrigin): Promise<Dataset> {
    const dataset = await this.desk.datasets.load(config.data);
    if (dataset.fingerprint === data.fingerprint) return dataset;
    throw new AppError(
      'bad_data',
      `The images of ${dataset.name} have changed since this run began.`,
      { remedy: 'Restore them, or start a new run on the changed images.' },
    );
  }

  private async launch(
    writer: RunWriter,
    open: () => ReturnType<typeof openFresh>,
    branched?: string,
  ): Promise<RunSession> {
    this.tellStarting({ run: writer.run, doing: 'recording the step' });
    this.desk.topics.changed(topic.runs);
    await new Promise((done) => setTimeout(done, TELL_MS));
    try {
      const opened = open();
      const { name } = this.desk.store.read(writer.run).summary;
      writer.appendEvent({
        wall: Date.now(),
        step: opened.trainer.step,
        kind: opened.trainer.step === 0 || branched !== undefined ? 'started' : 'resumed',
        message: `${branched === undefined ? '' : `${branched} `}Training on ${this.desk.backend.info.name} from step ${opened.trainer.step}.`,
      });
      opened.diagnose = () => firstBadTensor(opened, this.desk.store);
      const session = new RunSession(
        opened,
        name,
        this.desk.topics,
        this.desk.notify,
        this.desk.jobs,
      );
      this.session = session;
      this.desk.queue().launched(writer.run);
      void session.ended.then((ending) => {
        this.desk.ended(session);
        this.session = null;
        this.desk.topics.changed(topic.status, topic.runs);
        this.desk.queue().ended(writer.run, ending);
      });
      this.desk.topics.changed(
        topic.status,
        topic.runs,
        topic.journal(writer.run),
        topic.rewound(writer.run),
      );
      return session;
    } catch (thrown) {
      const error = AppError.from(thrown);
      writer.end('failed', error.message);
      this.desk.topics.changed(topic.runs);
      throw error;
    }
  }

  /** Continues the run that the previous engine was training when it ended. */
  async recover(lost: { pid: number; exit: string }): Promise<void> {
    for (const run of this.desk.store.lostBy(lost.pid)) {
      try {
        const { from_step } = await this.begin(() => this.again(run));
        this.desk.notify(
          'warning',
          `The engine stopped unexpectedly (${lost.exit}). Training continues from step ${from_step}; every recorded step is kept, those after it are done again.`,
        );
      } catch (thrown) {
        const error = AppError.from(thrown);
        this.desk.notify('error', `The run could not be continued: ${error.message}`, error.remedy);
      }
    }
    this.desk.queue().recover(lost.pid);
  }
}
