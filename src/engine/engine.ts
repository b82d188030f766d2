import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import type { JournalPlan } from '@shared/config/journal';
import { KNOBS } from '@shared/config/knobs';
import type { RunConfig, SamplingConfig } from '@shared/config/run-config';
import { AppError } from '@shared/errors';
import { PROTOCOL_VERSION } from '@shared/protocol/contract';
import type {
  Notice,
  Preparing,
  RequestInput,
  RequestName,
  RequestOutput,
  SubscriptionName,
} from '@shared/protocol/contract';
import type { Service, Source } from '@shared/protocol/service';
import { runImporter } from '../importer/run';
import { openStore } from '../store';
import type { RunOrigin, RunStore, RunWriter, Samples } from '../store/port';
import type { QueuedJob } from '../store/queue';
import { loadBackend } from './backend';
import type { LoadedBackend } from './backend';
import type { Dataset } from './data/dataset';
import { Datasets } from './datasets';
import { estimate } from './estimate';
import { labelPrototype, probeImages } from './prototype-requests';
import type { PrototypeContext } from './prototype-sources';
import { importInto } from './interchange/import';
import { withBoard } from './run/board-writer';
import { Easel } from './run/easel';
import { Jobs } from './run/jobs';
import { bankNow, configWith, firstBank } from './run/bank';
import { branchPoint, childOf } from './run/branch';
import { firstBadTensor } from './run/diagnose';
import { checkDataFits, openContinued, openFresh } from './run/open';
import type { Precision } from './backend/precision';
import { Pace, speedKey } from './pace';
import { knobsAt } from './run/planned';
import { RunSession } from './run/session';
import { samplesFromCheckpoint, weightsOf } from './run/stored';
import type { SamplingContext } from './sampling-sources';
import { QueueRunner } from './queue';
import { queueRequests } from './queue-requests';
import { shelfRequests } from './shelf-requests';
import { sources } from './sources';
import { topic, Topics } from './topics';
import { weightsSha256 } from './training/checkpoint';
import type { ProgramState } from './training/program';

export interface EngineOptions {
  workspace: string;
  /** Folder of the data sets that ship with the app. */
  resources: string;
  /** The importer's entry file, run in a process of its own. */
  importerEntry: string;
  appVersion: string;
  /** The engine before this one ended unexpectedly: continue what it was training. */
  recover?: { pid: number; exit: string };
}

export interface Engine extends Service {
  /** SHA-256 of the raw weights in the run's newest checkpoint. */
  weightsSha256(run: string): Promise<string>;
  /** Pictures from the run's newest checkpoint, settings as the run's where not given. */
  sample(run: string, sampling?: Partial<SamplingConfig>): Promise<Samples>;
  /** A run at step 0 with these weights, which is continued as any other. Returns its id. */
  importRun(config: RunConfig, state: ProgramState, source: string): Promise<string>;
  /** Ends work within seconds: a checkpoint is written, the run left to be continued. */
  close(): Promise<void>;
}

/** Notices that a window joining later still sees. */
const NOTICES_KEPT = 20;
/** For a word to reach the windows before the process is busy: longer than a feed's interval, ms. */
const TELL_MS = 120;
const RECOVER_AFTER_MS = 1000;

export async function createEngine(options: EngineOptions): Promise<Engine> {
  const backend = await loadBackend({ resourcesPath: options.resources });
  const store = openStore(options.workspace);
  const engine = new LocalEngine(options, backend, store);
  // Capturing a step keeps the process busy for seconds: windows that wait get their hello first.
  if (options.recover !== undefined) setTimeout(() => void engine.recover(), RECOVER_AFTER_MS);
  return engine;
}

type Handlers = {
  [N in RequestName]: (
    input: RequestInput<N>,
    signal: AbortSignal,
  ) => RequestOutput<N> | Promise<RequestOutput<N>>;
};

class LocalEngine implements Engine {
  private readonly topics = new Topics();
  private readonly datasets: Datasets;
  private session: RunSession | null = null;
  private starting: Preparing | null = null;
  private notices: Notice[] = [];
  private readonly jobs = new Jobs(() => this.session?.stepping ?? false);
  private readonly easel: Easel;
  /** Seconds a step by model and batch, as measured by this engine. */
  private readonly measured = new Map<string, number>();
  private readonly pace = new Pace();
  private readonly prototypes: PrototypeContext;
  private readonly queue: QueueRunner;

  constructor(
    private readonly options: EngineOptions,
    private readonly backend: LoadedBackend,
    private readonly store: RunStore,
  ) {
    this.easel = new Easel(backend);
    this.prototypes = {
      ...{ store, backend },
      topics: this.topics,
      sampling: this.sampling,
    };
    this.datasets = new Datasets({
      resources: options.resources,
      cache: join(options.workspace, 'cache'),
      importer: (job, how) => runImporter(job, { entry: options.importerEntry, ...how }),
    });
    this.queue = new QueueRunner({
      ...{ store, notify: this.notify, changed: () => this.topics.changed(topic.queue) },
      idle: () => this.session === null && this.starting === null,
      train: (job) => this.begin(() => this.startJob(job)),
      stop: (run) => this.activeSession(run).stop(),
      seconds: (config) => this.seconds(config),
    });
  }

  async request<N extends RequestName>(
    name: N,
    input: RequestInput<N>,
    signal: AbortSignal,
  ): Promise<RequestOutput<N>> {
    return await this.handlers[name](input, signal);
  }

  subscribe<N extends SubscriptionName>(
    name: N,
    input: Parameters<Service['subscribe']>[1],
    changed: () => void,
  ): ReturnType<(typeof sources)[N]> {
    const make = sources[name] as (
      context: Parameters<(typeof sources)[N]>[0],
      input: unknown,
      changed: () => void,
    ) => Source<never>;
    const context = {
      ...this.prototypes,
      session: () => this.session,
      preparing: () => this.preparing(),
      notices: () => this.notices,
      queue: () => this.queue.snapshot(),
      memory: () => ({ rss_bytes: process.memoryUsage().rss, total_bytes: totalmem() }),
    };
    return make(context, input, changed) as ReturnType<(typeof sources)[N]>;
  }

  private readonly sampling: SamplingContext = {
    jobs: this.jobs,
    config: (run) => {
      const record = this.store.read(run);
      return configWith(record.origin.config, bankNow(record));
    },
    bank: (run) => bankNow(this.store.read(run)),
    studio: (run) => ({
      easel: this.easel,
      weights: ({ weights, checkpoint, run: other }) =>
        checkpoint === null && this.session?.run === (other ?? run)
          ? this.session.weights(weights)
          : weightsOf(this.store, other ?? run, weights, checkpoint ?? undefined),
    }),
    dataset: (run) => this.datasetOf(this.store.read(run).origin),
  };

  private readonly handlers: Handlers = {
    hello: () => ({
      protocol: PROTOCOL_VERSION,
      app_version: this.options.appVersion,
      capabilities: ['train', 'sample', 'knobs'],
      backend: this.backend.info,
      machine: { cores: cpus().length, memory_bytes: totalmem() },
      workspace: { path: this.options.workspace, free_bytes: this.store.freeBytes() },
    }),
    'data.describe': ({ data }) => this.datasets.describe(data),
    'model.estimate': ({ config }) => ({
      ...estimate(config),
      step_s: this.stepSeconds(config),
      measured_s: { f32: this.measuredAt(config, 'f32'), bf16: this.measuredAt(config, 'bf16') },
    }),
    'runs.list': () => ({ runs: this.store.list() }),
    'run.get': ({ run }) => {
      const { summary, origin, knobs, journal, acts, checkpoints, events } = this.store.read(run);
      return {
        summary,
        config: origin.config,
        images: origin.data.images,
        plan: origin.plan ?? [],
        knobs,
        ...{ journal, acts, bank: firstBank(origin) },
        checkpoints,
        events,
      };
    },
    'run.start': ({ config, plan }) => this.begin(() => this.startFresh(config, plan)),
    'run.continue': ({ run }) => this.begin(() => this.startAgain(run)),
    'run.rollback': ({ run }) => this.begin(() => this.rollBack(run)),
    'run.branchpoint': ({ run, step }) => branchPoint(this.store, run, step),
    'run.branch': ({ run, step, config }) => this.begin(() => this.branch(run, step, config)),
    ...shelfRequests(() => this.store, this.topics),
    ...queueRequests({
      ...{ store: () => this.store, datasets: () => this.datasets, runner: () => this.queue },
      topics: this.topics,
      seconds: (config) => this.seconds(config),
    }),
    'run.pause': ({ run }) => ({ step: this.activeSession(run).pause() }),
    'run.resume': ({ run }) => ({ step: this.activeSession(run).resume() }),
    'run.stop': async ({ run }) => ({ step: await this.activeSession(run).stop() }),
    'run.sample': ({ run }) => ({ step: this.activeSession(run).sample() }),
    'run.checkpoint': ({ run }) => ({ step: this.activeSession(run).checkpoint() }),
    'run.step': ({ run }) => ({ step: this.activeSession(run).singleStep() }),
    'run.pace': ({ run, delay_ms }) => ({ step: this.activeSession(run).setPace(delay_ms) }),
    'knobs.set': ({ run, change }) => ({ entries: this.activeSession(run).setKnobs(change) }),
    'prototypes.operate': ({ run, act }) => ({ entry: this.activeSession(run).operate(act) }),
    'samples.list': ({ run }) => ({ steps: this.store.sampleSteps(run) }),
    'samples.get': ({ run, step }) => this.store.loadSamples(run, step),
    'notebooks.list': () => ({ notebooks: this.store.notebooks.list() }),
    'prototypes.probe': (input) => probeImages(this.prototypes, input),
    'prototypes.label': (input) => labelPrototype(this.prototypes, input),
    'notebook.read': ({ name }) => this.store.notebooks.read(name),
    'notebook.write': ({ name, json, known }) => ({
      modified: this.store.notebooks.write(name, json, known),
    }),
    'notebook.rename': ({ name, to }) => ({ modified: this.store.notebooks.rename(name, to) }),
    'notebook.delete': ({ name }) => ({ trashed: this.store.notebooks.remove(name) }),
    'notebook.restore': ({ trashed, name }) => ({
      modified: this.store.notebooks.restore(trashed, name),
    }),
    'notebooks.trash': () => ({ trashed: this.store.notebooks.trash() }),
    'keys.read': () => ({ json: this.store.keys.read() }),
    'keys.write': ({ json }) => ({ modified: this.store.keys.write(json) }),
  };

  private measuredAt(config: RunConfig, precision: Precision): number | null {
    return (
      this.measured.get(speedKey({ ...config, model: { ...config.model, precision } })) ?? null
    );
  }

  private stepSeconds(config: RunConfig): number | null {
    const key = speedKey(config);
    const { session } = this;
    // No trial disturbs a run that trains; one that is alike tells by itself.
    const trained = session !== null && speedKey(session.config) === key;
    return (
      (trained ? session.gauges.settled_step_s : this.measured.get(key)) ??
      (session === null ? this.pace.stepSeconds(config) : null)
    );
  }

  private seconds(config: RunConfig): number | null {
    const step_s = this.stepSeconds(config);
    return step_s === null ? null : step_s * config.training.steps;
  }

  private activeSession(run: string): RunSession {
    if (this.session?.run === run) return this.session;
    throw new AppError('wrong_state', 'That run is not training now.', {
      remedy: 'Continue it first.',
    });
  }

  /** One run at a time: two would share the processor and both be slow. */
  private async begin<T>(start: () => Promise<T>): Promise<T> {
    if (this.session !== null || this.starting !== null) {
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
      setImmediate(() => this.queue.next());
    }
  }

  private tellStarting(starting: Preparing | null): void {
    this.starting = starting;
    this.topics.changed(topic.status);
  }

  private preparing(): Preparing | undefined {
    if (this.starting !== null) return this.starting;
    const { session } = this;
    return session?.activity().phase === 'preparing'
      ? { run: session.run, doing: 'making the first step' }
      : undefined;
  }

  private startJob(job: QueuedJob): Promise<unknown> {
    if (job.run !== null) return this.startAgain(job.run);
    if (job.config === null) throw new AppError('internal', 'a job without settings was taken');
    return this.startFresh(job.config, [], job.job);
  }

  /** @param job  of the queue, that the run is made for */
  private async startFresh(
    config: RunConfig,
    plan: JournalPlan = [],
    job?: number,
  ): Promise<{ run: string }> {
    const dataset = await this.datasets.load(config.data);
    checkDataFits(config, dataset);
    const origin = { ...this.originOf(config, dataset, plan), ...(job && { job }) };
    const writer = this.recorded(this.store.create(origin), config);
    if (job !== undefined) this.queue.made(job, writer.run);
    await this.launch(writer, () => openFresh(config, dataset, this.backend, writer, plan));
    return { run: writer.run };
  }

  private recorded(writer: RunWriter, config: RunConfig): RunWriter {
    return withBoard(writer, this.store, { config });
  }

  private originOf(config: RunConfig, dataset: Dataset, plan: JournalPlan): RunOrigin {
    return {
      config,
      ...(plan.length > 0 ? { plan } : {}),
      data: { name: dataset.name, fingerprint: dataset.fingerprint, images: dataset.count },
      versions: {
        protodiff: this.options.appVersion,
        node: process.version,
        backend: `${this.backend.info.name} ${this.backend.info.version} ${this.backend.info.device}`,
      },
    };
  }

  /** A child of a run, from its checkpoint at `step`, which goes on as if the run had had `config`. */
  private async branch(run: string, step: number, config: RunConfig): Promise<{ run: string }> {
    const dataset = await this.datasets.load(config.data);
    checkDataFits(config, dataset);
    const { parent, plan, bank, first, name } = childOf(this.store, run, step, config);
    const origin = { ...this.originOf(config, dataset, plan), parent, ...(bank && { bank }) };
    const writer = this.recorded(this.store.create(origin, first), config);
    const child = (): ReturnType<typeof openFresh> =>
      openContinued(writer.run, this.store, dataset, this.backend, writer);
    await this.launch(writer, child, `Branched from ${name} at step ${step}.`);
    return { run: writer.run };
  }

  /** @param step  what came after it is dropped; by default it is done again */
  private async startAgain(
    run: string,
    step?: number,
  ): Promise<{ run: string; from_step: number }> {
    const { origin, summary } = this.store.read(run);
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
    const writer = this.recorded(this.store.open(run), origin.config);
    const session = await this.launch(writer, () => {
      if (step !== undefined) writer.rewindTo(step);
      return openContinued(run, this.store, dataset, this.backend, writer);
    });
    return { run, from_step: session.step };
  }

  /** Goes on from the last good checkpoint with half the rate of the step that it is of. */
  private async rollBack(run: string): Promise<{ run: string; from_step: number; lr: number }> {
    const { step } = this.store.loadCheckpoint(run);
    const { origin, journal } = this.store.read(run);
    const { lr: used } = knobsAt(origin.config.knobs, journal, step - 1);
    const lr = Math.max(KNOBS.lr.min, used / 2);
    const begun = await this.startAgain(run, step);
    this.activeSession(run).setKnobs({ lr });
    return { ...begun, lr };
  }

  /** A run's images, as they were when it began. @throws AppError bad_data when they have changed */
  private async datasetOf({ config, data }: RunOrigin): Promise<Dataset> {
    const dataset = await this.datasets.load(config.data);
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
    this.topics.changed(topic.runs);
    await new Promise((done) => setTimeout(done, TELL_MS));
    try {
      const opened = open();
      const { name } = this.store.read(writer.run).summary;
      writer.appendEvent({
        wall: Date.now(),
        step: opened.trainer.step,
        kind: opened.trainer.step === 0 || branched !== undefined ? 'started' : 'resumed',
        message: `${branched === undefined ? '' : `${branched} `}Training on ${this.backend.info.name} from step ${opened.trainer.step}.`,
      });
      opened.diagnose = () => firstBadTensor(opened, this.store);
      const session = new RunSession(opened, name, this.topics, this.notify, this.jobs);
      this.session = session;
      this.queue.launched(writer.run);
      void session.ended.then((ending) => {
        const { settled_step_s } = session.gauges;
        if (settled_step_s !== null) this.measured.set(speedKey(opened.config), settled_step_s);
        this.session = null;
        this.topics.changed(topic.status, topic.runs);
        this.queue.ended(writer.run, ending);
      });
      this.topics.changed(
        topic.status,
        topic.runs,
        topic.journal(writer.run),
        topic.rewound(writer.run),
      );
      return session;
    } catch (thrown) {
      const error = AppError.from(thrown);
      writer.end('failed', error.message);
      this.topics.changed(topic.runs);
      throw error;
    }
  }

  private readonly notify = (level: Notice['level'], message: string, remedy?: string): void => {
    const id = `${Date.now()}-${this.notices.length}`;
    this.notices = [...this.notices, { id, level, message, remedy, wall: Date.now() }].slice(
      -NOTICES_KEPT,
    );
    this.topics.changed(topic.status);
  };

  /** Continues the run that the previous engine was training when it ended. */
  async recover(): Promise<void> {
    const { recover } = this.options;
    if (recover === undefined) return;
    for (const run of this.store.lostBy(recover.pid)) {
      try {
        const { from_step } = await this.begin(() => this.startAgain(run));
        this.notify(
          'warning',
          `The engine stopped unexpectedly (${recover.exit}). Training continues from step ${from_step}; every recorded step is kept, those after it are done again.`,
        );
      } catch (thrown) {
        const error = AppError.from(thrown);
        this.notify('error', `The run could not be continued: ${error.message}`, error.remedy);
      }
    }
    this.queue.recover(recover.pid);
  }

  async weightsSha256(run: string): Promise<string> {
    return weightsSha256(weightsOf(this.store, run, 'raw').weights.data);
  }

  async importRun(config: RunConfig, state: ProgramState, source: string): Promise<string> {
    const dataset = await this.datasets.load(config.data);
    checkDataFits(config, dataset);
    const writer = this.store.create(this.originOf(config, dataset, []));
    importInto(writer, config, state, source);
    this.topics.changed(topic.runs);
    return writer.run;
  }

  async sample(run: string, sampling: Partial<SamplingConfig> = {}): Promise<Samples> {
    return samplesFromCheckpoint(this.store, this.backend, run, sampling);
  }

  async close(): Promise<void> {
    this.queue.close();
    await this.session?.stop('released');
    this.jobs.close();
    this.easel.dispose();
    this.store.close();
  }
}
