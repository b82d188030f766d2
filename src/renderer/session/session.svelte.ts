import type { JournalPlan } from '@shared/config/journal';
import { configAround, dependantsOf, trainOf } from '@shared/config/document-links';
import { findCell, notebookFor } from '@shared/config/notebook';
import type { CellOf, Notebook } from '@shared/config/notebook';
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
import type { QueueViewer } from './queued-runs';
import { RestoreController } from './restore.svelte';
import { RunPool } from './run-pool.svelte';
import { RunShelf } from './run-shelf.svelte';
import type { RunSession } from './run-session.svelte';
import { Shell } from './shell.svelte';
import { TrainView } from './train-view.svelte';
import type { TrainDesk } from './train-view.svelte';
import { recall, remember } from './view-memory';

type Status = SubscriptionEvent<'status'>;

/**
 * The window's whole state: connection, runs, the open notebook and the runs that are shown in it.
 * Each train cell shows a run of its own; `viewed` and its like are those of the train cell that
 * the selected cell is about, which the inspector and the keys act on.
 */
export class Session implements TrainDesk, QueueViewer {
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
  /** Id of the selected cell, and of the train cell that was last meant. */
  selected = $state('');
  private lastTrain = $state('');
  // Where a train cell shows something else than its own run: a guest, or with null its draft.
  private shown = $state.raw<Readonly<Record<string, string | null>>>({});
  private readonly views = new Map<string, TrainView>();
  /** The last thing that a person asked for and did not get. */
  error = $state.raw<AppError>();
  /** Choosing what to train, in place of a notebook. */
  starting = $state(false);
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
    this.notebook = new NotebookController(this.engine, () => this.follow());
    this.document = new DocumentController(this.notebook, this);
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
      const shown = this.shownAt(trainId);
      // Until the answer comes the cell does not know its run.
      return run !== null && run === shown ? doing : this.startedAt === trainId ? doing : undefined;
    }
    return this.startedAt === trainId ? 'asking the engine' : undefined;
  }

  /** The train cell that is meant where none is named: the selected cell's. */
  get focus(): TrainView {
    const trains = this.notebook.document?.cells.filter(({ kind }) => kind === 'train') ?? [];
    const meant = trains.find(({ id }) => id === this.lastTrain) ?? trains[0];
    return this.train(meant?.id ?? 'train');
  }

  select(cellId: string): void {
    this.selected = cellId;
    const document = this.notebook.document;
    const about = document && trainOf(document, cellId, this.lastTrain);
    if (about !== undefined) this.lastTrain = about;
  }

  get viewed(): RunSession | undefined {
    return this.focus.viewed;
  }

  get viewedSummary(): RunSummary | undefined {
    return this.focus.summary;
  }

  get viewedActivity(): Status['active'] {
    return this.focus.activity;
  }

  /** A train cell with the run that is shown at it; also where a run is shown without a notebook. */
  train(trainId: string): TrainView {
    const view = this.views.get(trainId) ?? new TrainView(this, trainId);
    this.views.set(trainId, view);
    return view;
  }

  /** The train cell that a cell is about, if any: that of the selected cell where there are several. */
  trainFor(cellId: string): TrainView | undefined {
    const document = this.notebook.document;
    if (!document) return this.train('train');
    const about = trainOf(document, cellId, this.focus.id);
    return about === undefined ? undefined : this.train(about);
  }

  /** All train cells that a cell is about: itself, those below a data or model cell, one above. */
  trainsOn(cellId: string): TrainView[] {
    const document = this.notebook.document;
    if (!document) return [this.train('train')];
    const ids = [cellId, ...dependantsOf(document, cellId)].filter((id) => this.cell(id));
    const above = ids.length > 0 ? undefined : trainOf(document, cellId);
    return [...ids, ...(above === undefined ? [] : [above])].map((id) => this.train(id));
  }

  cell(trainId: string): CellOf<'train'> | undefined {
    const document = this.notebook.document;
    return document && findCell(document, 'train', trainId);
  }

  shownAt(trainId: string): string | null {
    const other = this.shown[trainId];
    return other === undefined ? (this.cell(trainId)?.run ?? null) : other;
  }

  followed(run: string): RunSession | undefined {
    return this.pool.get(run);
  }

  summaryOf(run: string): RunSummary | undefined {
    return this.runs?.find((summary) => summary.run === run);
  }

  /** What data and model cells show: the notebook's settings, or those of a guest. */
  settingsAt(cellId: string): RunConfig | undefined {
    const at = this.trainFor(cellId);
    if (at?.guest === true) return at.config;
    const document = this.notebook.document;
    return document && configAround(document, cellId, at?.id);
  }

  draft(trainId: string): RunConfig | undefined {
    return this.cell(trainId) && this.notebook.draft(trainId);
  }

  // After any change of what train cells show: their runs, and no others, are followed.
  private follow(): void {
    const cells = this.notebook.document?.cells;
    const ids = cells
      ? cells.filter(({ kind }) => kind === 'train').map(({ id }) => id)
      : Object.keys(this.shown);
    const runs = ids.map((id) => this.shownAt(id)).filter((run) => run !== null);
    this.pool.want('document', runs);
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
      if (Object.keys(this.shown).length > 0) return;
      const notebooks = this.library.notebooks ?? [];
      const newest = [...notebooks].sort((a, b) => b.modified - a.modified)[0]?.name;
      const name = notebooks.find((entry) => entry.name === memory.notebook)?.name ?? newest;
      if (name === undefined) this.starting = true;
      else if (name === memory.notebook) await this.openNotebook(name, memory.run, last);
      else await this.openNotebook(name);
    } finally {
      this.pool.want('restored', []);
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
      this.shown = {};
      this.select(this.notebook.document?.cells.find(({ kind }) => kind === 'train')?.id ?? '');
      if (run === null) this.remember();
      else this.view(run);
      this.follow();
      this.queue.look();
    });
  }

  /**
   * Shows a run: at its own train cell where it has one, else as a guest at the train cell in
   * focus. With null that cell's draft is shown.
   */
  view(run: string | null): void {
    const own = this.notebook.document?.cells.find(
      (cell) => cell.kind === 'train' && cell.run === run,
    );
    if (run !== null && own) {
      this.show(own.id, undefined);
      this.select(own.id);
    } else {
      // A notebook without a train cell has no place for a run: it is shown by itself.
      if (run !== null && !this.cell(this.focus.id)) {
        this.notebook.leave();
        this.shown = {};
      }
      this.show(this.focus.id, run);
    }
    if (run !== null) this.starting = false;
    this.remember();
  }

  /** Where a run that is gone was a guest, the cell shows its own again. */
  forget(run: string): void {
    for (const [trainId, guest] of Object.entries(this.shown))
      if (guest === run) this.show(trainId, undefined);
    this.remember();
  }

  /** @param run  null for the draft, undefined for the cell's own run */
  private show(trainId: string, run: string | null | undefined): void {
    const { [trainId]: _before, ...others } = this.shown;
    this.shown = run === undefined ? others : { ...others, [trainId]: run };
    this.follow();
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
      this.notebook.amendCell('train', trainId, (cell) => ({ ...cell, run }));
      this.show(trainId, undefined);
      this.select(trainId);
      this.remember();
    });
  }

  jobBegan(trainId: string, run: string, own: boolean, seen: boolean): void {
    const before = this.shownAt(trainId);
    if (own) this.notebook.amendCell('train', trainId, (cell) => ({ ...cell, run }));
    const showing = own ? undefined : run;
    this.show(trainId, seen ? showing : before);
    if (!seen) {
      this.document.notice = {
        words: 'A job that was queued from this notebook has begun to train.',
        act: {
          words: 'Show its run',
          run: () => {
            this.document.notice = undefined;
            this.show(trainId, showing);
            this.remember();
          },
        },
      };
    }
    this.remember();
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

  /** To the draft of another run; that of a guest takes over the guest's settings. */
  editAgain(trainId: string): void {
    const { guest, config } = this.train(trainId);
    if (guest && config) this.notebook.adopt(trainId, config);
    this.show(trainId, null);
  }

  /** Takes back what was changed since the cell's run began. */
  revert(trainId: string): void {
    const config = this.train(trainId).viewed?.record?.config;
    if (config) this.notebook.adopt(trainId, config);
  }

  /** Back from a guest, or from the draft, to the cell's own run. */
  showOwn(trainId: string): void {
    this.show(trainId, undefined);
    this.remember();
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
    await this.notebook.create(this.library.freeName(title), document);
    this.shown = {};
    this.select(document.cells.find(({ kind }) => kind === 'train')?.id ?? '');
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
