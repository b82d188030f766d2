import type { JournalPlan } from '@shared/config/journal';
import { notebookFor } from '@shared/config/notebook';
import type { Notebook } from '@shared/config/notebook';
import type { RunConfig } from '@shared/config/run-config';
import { AppError } from '@shared/errors';
import type { RequestOutput, RunSummary, SubscriptionEvent } from '@shared/protocol/contract';
import { getContext, setContext } from 'svelte';
import type { Client, ConnectionState } from '@shared/protocol/client';
import type { Link } from './connect';
import { DocumentController } from './document.svelte';
import type { Desktop } from './desktop';
import type { HostState } from '@shared/protocol/host';
import { Library } from './library.svelte';
import { NotebookController } from './notebook.svelte';
import { QueueController } from './queue.svelte';
import { RestoreController } from './restore.svelte';
import { RunPool } from './run-pool.svelte';
import { RunShelf } from './run-shelf.svelte';
import type { RunSession } from './run-session.svelte';
import { Shell } from './shell.svelte';
import { TrainCells } from './train-cells.svelte';
import type { TrainView } from './train-view.svelte';
import { recall, remember } from './view-memory';

type Status = SubscriptionEvent<'status'>;

/** A page that loads makes what cannot be seen so long after the rest, ms. */
const REST_MS = 300;

/**
 * The window's whole state: connection, runs, the open notebook and the runs that are shown in it.
 * Each train cell shows a run of its own; `focus` and `viewed` are the train cell that the selected
 * cell is about, and its run: the inspector and the keys act on them.
 */
export class Session {
  readonly engine: Client;
  readonly notebook: NotebookController;
  readonly pool: RunPool;
  /** Files that were saved, dropped on the window or opened. */
  readonly files = new RestoreController({
    runs: () => this.runs?.map(({ run }) => run) ?? [],
    cells: (kind) => this.notebook.document?.cells.filter((cell) => cell.kind === kind).length,
    view: (run) => this.view(run),
  });
  readonly document: DocumentController;
  readonly trains = new TrainCells(this);
  readonly library: Library;
  readonly shelf = new RunShelf(this);
  readonly queue: QueueController;
  readonly shell = new Shell();
  link = $state.raw<ConnectionState>({ state: 'connecting' });
  host = $state.raw<HostState>();
  /** The engine was away and has come back; cleared by the person. */
  cameBack = $state.raw<HostState>();
  hello = $state.raw<RequestOutput<'hello'>>();
  status = $state.raw<Status>();
  runs = $state.raw<RunSummary[]>();
  /** Older runs that are still being read; they join `runs`. */
  unread = $state(0);
  /** The last thing that a person asked for and did not get. */
  error = $state.raw<AppError>();
  /** Choosing what to train, in place of a notebook. */
  starting = $state(false);
  /** The page has loaded and shows what was last seen: cells below the fold may be made. */
  arrived = $state(false);
  /** A start has been asked for and not answered. */
  busy = $state(false);
  private away: HostState | undefined;
  private lost = $state.raw<Status['active']>(null);
  /** The train cell whose start, or that of a branch of its run, has not been answered. */
  private startedAt = $state<string>();

  constructor(
    private readonly road: Link,
    private readonly storage: Storage | undefined,
  ) {
    this.engine = road.client;
    this.pool = new RunPool(this.engine);
    this.notebook = new NotebookController(this.engine, () => this.trains.follow());
    this.document = new DocumentController(this.notebook, this.trains);
    this.library = new Library(this);
    this.queue = new QueueController(this);
    road.onHost((state) => this.hostIs(state));
    this.engine.onState((state) => {
      const again = this.link.state === 'lost' && state.state === 'open';
      this.link = state;
      this.hello = this.engine.hello;
      if (again) this.reconnected();
    });
  }

  /** The run that trains or is paused now, in the engine's own words. */
  get active(): Status['active'] {
    return this.status?.active ?? null;
  }

  /** What the engine does before a run's first step, e.g. `recording the step`. */
  preparingAt(trainId: string): string | undefined {
    const preparing = this.status?.preparing;
    if (preparing) {
      const { run, doing } = preparing;
      const shown = this.trains.shownAt(trainId);
      // Until the answer comes the cell does not know its run.
      return run !== null && run === shown ? doing : this.startedAt === trainId ? doing : undefined;
    }
    return this.startedAt === trainId ? 'asking the engine' : undefined;
  }

  /** The train cell that is meant where none is named: the selected cell's. */
  get focus(): TrainView {
    return this.trains.focus;
  }

  get viewed(): RunSession | undefined {
    return this.focus.viewed;
  }

  train(trainId: string): TrainView {
    return this.trains.at(trainId);
  }

  summaryOf(run: string): RunSummary | undefined {
    return this.runs?.find((summary) => summary.run === run);
  }

  /** The desktop around the window; undefined in a browser. */
  get desk(): Desktop | undefined {
    return this.road.desk;
  }

  /** What trained when an engine was lost, with its last checkpoint; no later one has taken it up. */
  get interrupted(): NonNullable<Status['active']> | undefined {
    const trained = this.active ?? this.lost;
    return trained?.last_checkpoint ? trained : undefined;
  }

  restartEngine(): void {
    this.road.restart();
  }

  /** After an engine that was given up, which leaves it to a person whether its run goes on. */
  async restartAndContinue(run: string): Promise<void> {
    this.road.restart();
    await this.order('run.continue', run);
  }

  /** Subscribes, and opens what was last seen. */
  async begin(): Promise<void> {
    const onError = (thrown: unknown): void => {
      this.error = AppError.from(thrown);
    };
    const onStatus = (event: Status): void => {
      this.status = event;
      if (event.active) this.lost = null;
    };
    this.engine.subscribe('status', {}, onStatus, { onError });
    this.engine.subscribe('runs', {}, (list) => this.runsAre(list), { onError });
    this.queue.begin(onError);
    await this.attempt(() => this.restore());
  }

  // Latest-wins streams begin with what is new: what was kept of the run is read again.
  private reconnected(): void {
    for (const each of this.pool.all) {
      void each.refresh();
      void each.samples.reload();
    }
  }

  private hostIs(state: HostState): void {
    this.host = state;
    if (state.state === 'crashed' || state.state === 'not_responding') this.away = state;
    if (state.state !== 'ready') this.lost = this.active ?? this.lost;
    if (state.state === 'ready' && this.away) {
      this.cameBack = this.away;
      this.away = undefined;
    }
  }

  private runsAre({ runs, unread }: SubscriptionEvent<'runs'>): void {
    const before = this.runs;
    this.runs = runs;
    this.unread = unread;
    if (runs.length !== before?.length) this.queue.look();
    for (const each of this.pool.all) {
      const old = before?.find(({ run }) => run === each.run);
      const now = this.summaryOf(each.run);
      if (!old || !now) continue;
      if (old.state !== now.state || old.last_checkpoint !== now.last_checkpoint) {
        void each.refresh();
      }
    }
  }

  private async restore(): Promise<void> {
    const memory = recall(this.storage);
    // What was seen last is asked for along with the list: an engine that trains answers once a step.
    if (memory.run !== null) this.pool.want('restored', [memory.run]);
    const last = memory.notebook === null ? undefined : this.notebook.read(memory.notebook);
    // Where it cannot be read, it is not in the list or its opening tells.
    last?.catch(() => undefined);
    try {
      await this.library.list();
      // A run that was chosen meanwhile stays.
      if (this.trains.chosen) return;
      const notebooks = this.library.notebooks ?? [];
      const newest = [...notebooks].sort((a, b) => b.modified - a.modified)[0]?.name;
      const name = notebooks.find((entry) => entry.name === memory.notebook)?.name ?? newest;
      if (name === undefined) this.starting = true;
      else if (name === memory.notebook) await this.openNotebook(name, memory.run, last);
      else await this.openNotebook(name);
    } finally {
      this.pool.want('restored', []);
      setTimeout(() => (this.arrived = true), REST_MS);
    }
  }

  /** @param read  its file, where that has been asked for already */
  async openNotebook(
    name: string,
    run: string | null = null,
    read?: ReturnType<NotebookController['read']>,
  ): Promise<void> {
    await this.attempt(async () => {
      await this.notebook.open(name, read);
      this.starting = false;
      this.trains.begin();
      if (run === null) this.remember();
      else this.view(run);
      this.trains.follow();
      this.queue.look();
    });
  }

  /** Shows a run; with null the draft of the train cell in focus. */
  view(run: string | null): void {
    this.trains.view(run);
    if (run !== null) this.starting = false;
    this.remember();
  }

  remember(): void {
    remember(this.storage, { notebook: this.notebook.name || null, run: this.focus.run });
  }

  /** Makes a notebook of the configuration, and starts it if asked. */
  async begun(title: string, config: RunConfig, note: string, train: boolean): Promise<void> {
    this.busy = true;
    await this.attempt(async () => {
      await this.openNew(title, notebookFor(config, note));
      if (train) await this.start('train');
    });
    this.busy = false;
  }

  /** Starts the run that a train cell describes, and views it. */
  async start(trainId: string): Promise<void> {
    const config = this.notebook.draft(trainId);
    if (!config) return;
    await this.attempt(async () => {
      const { run } = await this.starts(trainId, this.engine.request('run.start', { config }));
      this.trains.own(trainId, run);
      this.trains.select(trainId);
      this.remember();
    });
  }

  /** Starts a run that makes the changes of a journal by itself, and views it. */
  async replay(config: RunConfig, plan: JournalPlan): Promise<void> {
    await this.attempt(async () => {
      const asked = this.engine.request('run.start', { config, plan });
      const { run } = await this.starts(this.focus.id, asked);
      this.view(run);
    });
  }

  /**
   * Starts a child of a run from its checkpoint at `step`, and views it; what trains now is stopped
   * first. @throws AppError where the engine refuses
   */
  async branch(run: string, step: number, config: RunConfig): Promise<void> {
    if (this.active) await this.engine.request('run.stop', { run: this.active.run });
    const asked = this.engine.request('run.branch', { run, step, config });
    const child = await this.starts(this.focus.id, asked);
    this.view(child.run);
  }

  private async starts<T>(trainId: string, asked: Promise<T>): Promise<T> {
    this.startedAt = trainId;
    try {
      return await asked;
    } finally {
      this.startedAt = undefined;
    }
  }

  async order(
    name:
      | 'run.pause'
      | 'run.resume'
      | 'run.stop'
      | 'run.continue'
      | 'run.rollback'
      | 'run.sample'
      | 'run.checkpoint'
      | 'run.step',
    run: string,
  ): Promise<void> {
    await this.attempt(async () => {
      await this.engine.request(name, { run });
      await this.pool.get(run)?.refresh();
    });
  }

  /** Slow motion: at least `delay` ms between the starts of two steps; 0 is full speed. */
  async pace(run: string, delay: number): Promise<void> {
    await this.attempt(async () => {
      await this.engine.request('run.pace', { run, delay_ms: delay });
    });
  }

  /** Opens a new notebook of these cells under a free name; nothing is run. */
  async openNew(title: string, document: Notebook): Promise<void> {
    this.arrived = true;
    await this.notebook.create(this.library.freeName(title), document);
    this.trains.begin();
    this.view(null);
    await this.library.list();
    this.starting = false;
  }

  /** Does what a person asked for, and tells them where it fails. */
  async attempt(act: () => Promise<void>): Promise<void> {
    this.error = undefined;
    try {
      await act();
    } catch (thrown) {
      this.error = AppError.from(thrown);
    }
  }
}

const KEY = Symbol('session');

export function provideSession(session: Session): void {
  setContext(KEY, session);
}

export function useSession(): Session {
  return getContext<Session>(KEY);
}
