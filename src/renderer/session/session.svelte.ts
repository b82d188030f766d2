import { findCell } from '@shared/config/notebook';
import type { RunConfig } from '@shared/config/run-config';
import { AppError } from '@shared/errors';
import type { RequestOutput, RunSummary, SubscriptionEvent } from '@shared/protocol/contract';
import { getContext, setContext } from 'svelte';
import type { Client, ConnectionState } from '@shared/protocol/client';
import type { Link } from './connect';
import type { HostState } from '@shared/protocol/host';
import { NotebookController } from './notebook.svelte';
import { RunSession } from './run-session.svelte';
import { recall, remember } from './view-memory';

type Status = SubscriptionEvent<'status'>;

/** The window's whole state: connection, runs, the open notebook and the run that is viewed. */
export class Session {
  readonly engine: Client;
  readonly notebook: NotebookController;
  link = $state.raw<ConnectionState>({ state: 'connecting' });
  host = $state.raw<HostState>();
  /** The engine was away and has come back; cleared by the person. */
  cameBack = $state.raw<HostState>();
  hello = $state.raw<RequestOutput<'hello'>>();
  status = $state.raw<Status>();
  runs = $state.raw<RunSummary[]>();
  notebooks = $state.raw<RequestOutput<'notebooks.list'>['notebooks']>();
  viewed = $state.raw<RunSession>();
  /** The last thing that a person asked for and did not get. */
  error = $state.raw<AppError>();
  /** Choosing what to train, in place of a notebook. */
  starting = $state(false);
  /** A start has been asked for and not answered. */
  busy = $state(false);
  private away: HostState | undefined;

  constructor(
    private readonly road: Link,
    private readonly storage: Storage | undefined,
  ) {
    this.engine = road.client;
    this.notebook = new NotebookController(this.engine);
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

  get viewedSummary(): RunSummary | undefined {
    const run = this.viewed?.run;
    return this.runs?.find((summary) => summary.run === run) ?? this.viewed?.record?.summary;
  }

  /** The engine's activity when it is about the viewed run. */
  get viewedActivity(): Status['active'] {
    return this.viewed && this.active?.run === this.viewed.run ? this.active : null;
  }

  restartEngine(): void {
    this.road.restart();
  }

  /** Subscribes, and opens what was last seen. */
  async begin(): Promise<void> {
    const onError = (thrown: unknown): void => {
      this.error = AppError.from(thrown);
    };
    const onStatus = (event: Status): void => {
      this.status = event;
    };
    this.engine.subscribe('status', {}, onStatus, { onError });
    this.engine.subscribe('runs', {}, ({ runs }) => this.runsAre(runs), { onError });
    await this.attempt(() => this.restore());
  }

  // Latest-wins streams begin with what is new: what was kept of the run is read again.
  private reconnected(): void {
    void this.viewed?.refresh();
    void this.viewed?.samples.reload();
  }

  private hostIs(state: HostState): void {
    this.host = state;
    if (state.state === 'crashed' || state.state === 'not_responding') this.away = state;
    if (state.state === 'ready' && this.away) {
      this.cameBack = this.away;
      this.away = undefined;
    }
  }

  private runsAre(runs: RunSummary[]): void {
    const before = this.viewedSummary;
    this.runs = runs;
    const after = this.viewedSummary;
    if (
      before &&
      after &&
      (before.state !== after.state || before.last_checkpoint !== after.last_checkpoint)
    ) {
      void this.viewed?.refresh();
    }
  }

  private async restore(): Promise<void> {
    const { notebooks } = await this.engine.request('notebooks.list', {});
    this.notebooks = notebooks;
    const memory = recall(this.storage);
    const newest = [...notebooks].sort((a, b) => b.modified - a.modified)[0]?.name;
    const name = notebooks.find((entry) => entry.name === memory.notebook)?.name ?? newest;
    if (name === undefined) {
      this.starting = true;
      return;
    }
    await this.openNotebook(name, memory.notebook === name ? memory.run : null);
  }

  async openNotebook(name: string, run: string | null = null): Promise<void> {
    await this.attempt(async () => {
      await this.notebook.open(name);
      this.starting = false;
      const train = this.notebook.document?.cells.find((cell) => cell.kind === 'train');
      const linked = train?.kind === 'train' ? train.run : null;
      this.view(run ?? linked);
    });
  }

  /** Shows a run, or with null the notebook's own settings. */
  view(run: string | null): void {
    if (run !== (this.viewed?.run ?? null)) {
      this.viewed?.close();
      this.viewed = run === null ? undefined : new RunSession(this.engine, run);
      this.viewed?.open();
    }
    if (run !== null) this.starting = false;
    remember(this.storage, { notebook: this.notebook.name || null, run });
  }

  /** Makes a notebook of the configuration, and starts it if asked. */
  async begun(title: string, config: RunConfig, note: string, train: boolean): Promise<void> {
    this.busy = true;
    await this.attempt(async () => {
      const taken = new Set(this.notebooks?.map(({ name }) => name));
      await this.notebook.create(freeName(title, taken), config, note);
      this.view(null);
      await this.listNotebooks();
      this.starting = false;
      if (train) await this.start('train');
    });
    this.busy = false;
  }

  /** Starts the run that a train cell describes, and views it. */
  async start(trainId: string): Promise<void> {
    const config = this.notebook.draft(trainId);
    if (!config) return;
    await this.attempt(async () => {
      const { run } = await this.engine.request('run.start', { config });
      this.notebook.update('train', trainId, (cell) => ({ ...cell, run }));
      this.view(run);
    });
  }

  /** Back to editing, with the viewed run's settings as the draft. */
  editAgain(trainId: string): void {
    const config = this.viewed?.record?.config;
    if (config) this.notebook.adopt(trainId, config);
    this.view(null);
  }

  async order(
    name:
      | 'run.pause'
      | 'run.resume'
      | 'run.stop'
      | 'run.continue'
      | 'run.sample'
      | 'run.checkpoint'
      | 'run.step',
    run: string,
  ): Promise<void> {
    await this.attempt(async () => {
      await this.engine.request(name, { run });
      await this.viewed?.refresh();
    });
  }

  /** Slow motion: at least `delay` ms between the starts of two steps; 0 is full speed. */
  async pace(run: string, delay: number): Promise<void> {
    await this.attempt(async () => {
      await this.engine.request('run.pace', { run, delay_ms: delay });
    });
  }

  /** Whether any train cell of the notebook may be edited: no run is viewed in its place. */
  get editing(): boolean {
    return this.viewed === undefined;
  }

  /** What the cells show: the viewed run's own configuration, or the notebook's draft. */
  configOf(trainId: string): RunConfig | undefined {
    if (this.viewed) return this.viewed.record?.config;
    const document = this.notebook.document;
    return document && findCell(document, 'train', trainId) && this.notebook.draft(trainId);
  }

  private async listNotebooks(): Promise<void> {
    this.notebooks = (await this.engine.request('notebooks.list', {})).notebooks;
  }

  private async attempt(act: () => Promise<void>): Promise<void> {
    this.error = undefined;
    try {
      await act();
    } catch (thrown) {
      this.error = AppError.from(thrown);
    }
  }
}

export function freeName(title: string, taken: ReadonlySet<string>): string {
  if (!taken.has(title)) return title;
  let n = 2;
  while (taken.has(`${title} ${n}`)) n += 1;
  return `${title} ${n}`;
}

const KEY = Symbol('session');

export function provideSession(session: Session): void {
  setContext(KEY, session);
}

export function useSession(): Session {
  return getContext<Session>(KEY);
}
