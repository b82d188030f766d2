import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import type { RunConfig, SamplingConfig } from '@shared/config/run-config';
import { PROTOCOL_VERSION } from '@shared/protocol/contract';
import type {
  Notice,
  RequestInput,
  RequestName,
  RequestOutput,
  SubscriptionName,
} from '@shared/protocol/contract';
import type { Service, Source } from '@shared/protocol/service';
import { runImporter } from '../importer/run';
import { openStore } from '../store';
import type { RunStore, Samples } from '../store/port';
import { loadBackend } from './backend';
import type { LoadedBackend } from './backend';
import { Datasets } from './datasets';
import { estimate } from './estimate';
import { labelPrototype, probeImages } from './prototype-requests';
import type { PrototypeContext } from './prototype-sources';
import { importInto } from './interchange/import';
import { Easel } from './run/easel';
import { Jobs } from './run/jobs';
import { bankNow, configWith, firstBank } from './run/bank';
import { branchPoint } from './run/branch';
import { checkDataFits } from './run/open';
import type { Precision } from './backend/precision';
import { Pace, speedKey } from './pace';
import { samplesFromCheckpoint, weightsOf } from './run/stored';
import type { SamplingContext } from './sampling-sources';
import { QueueRunner } from './queue';
import { queueRequests } from './queue-requests';
import { shelfRequests } from './shelf-requests';
import { sources } from './sources';
import { Starts } from './starts';
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
  /** Begins no training step for `ms` from now: a page that loads has the processor. */
  giveWay(ms: number): void;
  /** Ends work within seconds: a checkpoint is written, the run left to be continued. */
  close(): Promise<void>;
}

/** Notices that a window joining later still sees. */
const NOTICES_KEPT = 20;
/** For windows that wait to have their hello, ms. */
const RECOVER_AFTER_MS = 1000;

export async function createEngine(options: EngineOptions): Promise<Engine> {
  const backend = await loadBackend({ resourcesPath: options.resources });
  const store = openStore(options.workspace);
  const engine = new LocalEngine(options, backend, store);
  // Tracing a step keeps the process busy for a second: windows that wait get their hello first.
  const { recover } = options;
  if (recover !== undefined) {
    setTimeout(() => void engine.starts.recover(recover), RECOVER_AFTER_MS);
  }
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
  private notices: Notice[] = [];
  private readonly jobs = new Jobs(() => this.starts.session?.holdsJobs ?? false);
  private readonly easel: Easel;
  /** Seconds a step by model and batch, as measured by this engine. */
  private readonly measured = new Map<string, number>();
  private readonly pace = new Pace();
  private readonly prototypes: PrototypeContext;
  private readonly queue: QueueRunner;
  readonly starts: Starts;

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
    this.starts = new Starts({
      ...{ store, backend, datasets: this.datasets, topics: this.topics, jobs: this.jobs },
      ...{ appVersion: options.appVersion, notify: this.notify, queue: () => this.queue },
      ended: ({ config, gauges }) => {
        if (gauges.settled_step_s !== null) {
          this.measured.set(speedKey(config), gauges.settled_step_s);
        }
      },
    });
    this.queue = new QueueRunner({
      ...{ store, notify: this.notify, changed: () => this.topics.changed(topic.queue) },
      idle: () => this.starts.idle(),
      train: (job) => this.starts.begin(() => this.starts.job(job)),
      stop: (run) => this.starts.active(run).stop(),
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
      session: () => this.starts.session,
      preparing: () => this.starts.preparing(),
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
        checkpoint === null && this.starts.session?.run === (other ?? run)
          ? this.starts.session.weights(weights)
          : weightsOf(this.store, other ?? run, weights, checkpoint ?? undefined),
    }),
    dataset: (run) => this.starts.datasetOf(this.store.read(run).origin),
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
    'run.start': ({ config, plan }) => this.starts.begin(() => this.starts.fresh(config, plan)),
    'run.continue': ({ run }) => this.starts.begin(() => this.starts.again(run)),
    'run.rollback': ({ run }) => this.starts.begin(() => this.starts.rollBack(run)),
    'run.branchpoint': ({ run, step }) => branchPoint(this.store, run, step),
    'run.branch': ({ run, step, config }) =>
      this.starts.begin(() => this.starts.branch(run, step, config)),
    ...shelfRequests(() => this.store, this.topics),
    ...queueRequests({
      ...{ store: () => this.store, datasets: () => this.datasets, runner: () => this.queue },
      topics: this.topics,
      seconds: (config) => this.seconds(config),
    }),
    'run.pause': ({ run }) => ({ step: this.starts.active(run).pause() }),
    'run.resume': ({ run }) => ({ step: this.starts.active(run).resume() }),
    'run.stop': async ({ run }) => ({ step: await this.starts.active(run).stop() }),
    'run.sample': ({ run }) => ({ step: this.starts.active(run).sample() }),
    'run.checkpoint': ({ run }) => ({ step: this.starts.active(run).checkpoint() }),
    'run.step': ({ run }) => ({ step: this.starts.active(run).singleStep() }),
    'run.pace': ({ run, delay_ms }) => ({ step: this.starts.active(run).setPace(delay_ms) }),
    'knobs.set': ({ run, change }) => ({ entries: this.starts.active(run).setKnobs(change) }),
    'prototypes.operate': ({ run, act }) => ({ entry: this.starts.active(run).operate(act) }),
    'samples.list': ({ run }) => ({ steps: this.store.sampleSteps(run) }),
    'samples.get': ({ run, step }) => this.store.loadSamples(run, step),
    'notebooks.list': () => ({ notebooks: this.store.notebooks.list() }),
    'prototypes.probe': (input) => probeImages(this.prototypes, input),
    'prototypes.label': (input) => labelPrototype(this.prototypes, input),
    'notebook.read': ({ name }) => this.store.notebooks.read(name),
    'notebook.write': ({ name, json, known }) => {
      const modified = this.store.notebooks.write(name, json, known);
      if (known === null) this.queue.notebookMade(name);
      return { modified };
    },
    'notebook.rename': ({ name, to }) => {
      const modified = this.store.notebooks.rename(name, to);
      this.queue.renamed(name, to);
      return { modified };
    },
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
    const { session } = this.starts;
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

  private readonly notify = (level: Notice['level'], message: string, remedy?: string): void => {
    const id = `${Date.now()}-${this.notices.length}`;
    this.notices = [...this.notices, { id, level, message, remedy, wall: Date.now() }].slice(
      -NOTICES_KEPT,
    );
    this.topics.changed(topic.status);
  };

  async weightsSha256(run: string): Promise<string> {
    return weightsSha256(weightsOf(this.store, run, 'raw').weights.data);
  }

  async importRun(config: RunConfig, state: ProgramState, source: string): Promise<string> {
    const dataset = await this.datasets.load(config.data);
    checkDataFits(config, dataset);
    const writer = this.store.create(this.starts.originOf(config, dataset, []));
    importInto(writer, config, state, source);
    this.topics.changed(topic.runs);
    return writer.run;
  }

  async sample(run: string, sampling: Partial<SamplingConfig> = {}): Promise<Samples> {
    return samplesFromCheckpoint(this.store, this.backend, run, sampling);
  }

  giveWay(ms: number): void {
    this.starts.session?.giveWay(ms);
  }

  async close(): Promise<void> {
    this.queue.close();
    await this.starts.session?.stop('released');
    this.jobs.close();
    this.easel.dispose();
    this.store.close();
  }
}
