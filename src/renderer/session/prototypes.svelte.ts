import { AppError } from '@shared/errors';
import type { Client } from '@shared/protocol/client';
import type { RequestOutput, SubscriptionEvent } from '@shared/protocol/contract';
import type { PrototypeLabel } from '@shared/protocol/contract-prototypes';
import { PrototypeChoice } from './prototype-choice.svelte';
import { PrototypeHistory } from './prototype-history';
import type { Snapshot } from './prototype-history';

export type Probe = RequestOutput<'prototypes.probe'>;

/** Snapshots that come sooner after others wait together: each lays the whole map anew, ms. */
const TAKE_MS = 250;

/** The prototypes of one run through its training: snapshots, the one that is shown, names. */
export class PrototypesController {
  readonly history = new PrototypeHistory();
  readonly choice = new PrototypeChoice();
  /** Goes up when `history` has changed. */
  version = $state(0);
  /** Place on the way through the snapshots; between two whole numbers while it plays. */
  position = $state(0);
  /** Follow the newest snapshot, or stay at a chosen place. */
  live = $state(true);
  probe = $state.raw<Probe>();
  error = $state.raw<AppError>();
  labels = $state.raw<ReadonlyMap<number, PrototypeLabel>>(new Map());
  private end: (() => void) | undefined;
  private endLabels: (() => void) | undefined;
  private waiting: SubscriptionEvent<'prototypes'>[] = [];
  private resting: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly engine: Client,
    private readonly run: string,
  ) {}

  /** The names, which other cells show too. */
  open(): void {
    this.endLabels = this.engine.subscribe(
      'prototype_labels',
      { run: this.run },
      ({ labels }) => this.labelsAre(labels),
      { onError: (thrown) => this.fail(thrown) },
    );
  }

  close(): void {
    this.endLabels?.();
    this.end?.();
    this.end = undefined;
    this.forget();
  }

  /** Has the snapshots come; somebody looks at them. */
  watch(): void {
    this.end ??= this.engine.subscribe(
      'prototypes',
      { run: this.run },
      (event) => this.receive(event),
      {
        onReset: () => {
          this.forget();
          this.change(() => this.history.clear());
        },
        onError: (thrown) => this.fail(thrown),
      },
    );
  }

  get count(): number {
    return this.version >= 0 ? this.history.all.length : 0;
  }

  /** The snapshot at, or last before, the place that is shown. */
  get shown(): Snapshot | undefined {
    return this.version >= 0 ? this.history.all[Math.round(this.position)] : undefined;
  }

  /** Shows a place on the way; the last one means: follow the run. */
  choose(position: number): void {
    const last = Math.max(0, this.count - 1);
    this.position = Math.min(last, Math.max(0, position));
    this.live = this.position === last;
  }

  /** Stays where it is, whatever arrives. */
  hold(): void {
    this.live = false;
  }

  nameOf(prototype: number): string {
    return this.labels.get(prototype)?.name ?? '';
  }

  /** The palette index of a prototype's fill. */
  colourOf(prototype: number): number {
    return this.labels.get(prototype)?.colour ?? prototype;
  }

  async label(prototype: number, change: { name?: string; colour?: number | null }): Promise<void> {
    const before = this.labels.get(prototype) ?? { prototype, name: '', colour: null };
    const label = { ...before, ...change };
    const kept = this.labels;
    this.labels = new Map([...kept, [prototype, label]]);
    try {
      const { labels } = await this.engine.request('prototypes.label', { run: this.run, label });
      this.labelsAre(labels);
      this.error = undefined;
    } catch (thrown) {
      this.labels = kept;
      this.fail(thrown);
    }
  }

  private labelsAre(labels: readonly PrototypeLabel[]): void {
    this.labels = new Map(labels.map((label) => [label.prototype, label]));
  }

  private receive(event: SubscriptionEvent<'prototypes'>): void {
    this.waiting.push(event);
    if (this.resting === undefined) this.take();
  }

  private take(): void {
    this.resting = undefined;
    const events = this.waiting.splice(0);
    if (events.length === 0) return;
    const first = this.history.all.length === 0 || events.some(({ restart }) => restart);
    this.change(() => events.forEach((event) => this.history.receive(event)));
    this.resting = setTimeout(() => this.take(), TAKE_MS);
    if (first) void this.loadProbe();
  }

  private forget(): void {
    clearTimeout(this.resting);
    this.resting = undefined;
    this.waiting = [];
  }

  private change(act: () => void): void {
    const shown = this.history.all[Math.round(this.position)]?.step;
    act();
    this.version += 1;
    const { all } = this.history;
    if (this.live || shown === undefined) this.position = Math.max(0, all.length - 1);
    else if (all[Math.round(this.position)]?.step !== shown) {
      this.position = Math.max(0, this.history.indexOf(shown));
    }
  }

  private async loadProbe(): Promise<void> {
    try {
      this.probe = await this.engine.request('prototypes.probe', { run: this.run });
    } catch (thrown) {
      this.fail(thrown);
    }
  }

  private fail(thrown: unknown): void {
    this.error = AppError.from(thrown);
  }
}
