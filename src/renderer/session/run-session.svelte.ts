import { choicesOf } from '@shared/config/family';
import type { KnobName } from '@shared/config/knobs';
import { AppError } from '@shared/errors';
import type { JournalEntry, RequestOutput, SubscriptionEvent } from '@shared/protocol/contract';
import { CurvesBuffer } from './curves-buffer';
import type { Client } from '@shared/protocol/client';
import { KnobsController } from './knobs.svelte';
import { ExemplarsController } from './exemplars.svelte';
import { PrototypesController } from './prototypes.svelte';
import { SurgeryController } from './surgery.svelte';
import { SamplesController } from './samples.svelte';

/** One run as it is viewed, live or ended: its record, curves, journal, knobs and previews. */
export class RunSession {
  record = $state.raw<RequestOutput<'run.get'>>();
  journal = $state.raw<JournalEntry[]>([]);
  error = $state.raw<AppError>();
  /** Goes up when `curves` has changed. */
  curvesVersion = $state(0);
  private readonly whole = new CurvesBuffer();
  private outline: { curves: CurvesBuffer; rows: number } | undefined;
  readonly knobs: KnobsController;
  readonly samples: SamplesController;
  readonly prototypes: PrototypesController;
  readonly exemplars: ExemplarsController;
  readonly surgery: SurgeryController;
  private ends: (() => void)[] = [];
  private loading: Promise<void> | undefined;
  private closed = false;

  constructor(
    private readonly engine: Client,
    readonly run: string,
  ) {
    this.knobs = new KnobsController(async (change) => {
      const { entries } = await engine.request('knobs.set', { run, change });
      this.recordJournal(entries);
      return entries;
    });
    this.samples = new SamplesController(engine, run);
    this.prototypes = new PrototypesController(engine, run);
    this.exemplars = new ExemplarsController(engine, run);
    this.surgery = new SurgeryController(
      async (act) => (await engine.request('prototypes.operate', { run, act })).entry,
    );
  }

  /** The rows that there are; of a long history an outline until all of it has come. */
  get curves(): CurvesBuffer {
    return this.outline?.curves ?? this.whole;
  }

  /** The prototypes or classes that an image can be of; none without conditioning. */
  get choices(): readonly number[] {
    const model = this.record?.config.model;
    return model === undefined || choicesOf(model) === 0 ? [] : this.surgery.bank.ids;
  }

  open(): void {
    const onError = (thrown: unknown): void => {
      this.error = AppError.from(thrown);
    };
    const { run } = this;
    this.ends = [
      this.engine.subscribe('curves', { run, outline: true }, (event) => this.recordCurves(event), {
        onReset: () => {
          this.forgetCurves();
          this.curvesVersion += 1;
        },
        onError,
      }),
      this.engine.subscribe('journal', { run }, (event) => this.receiveJournal(event), {
        // The engine came back from a checkpoint: entries after it may be gone.
        onReset: () => this.forgetJournal(),
        onError,
      }),
      this.engine.subscribe('samples', { run }, (event) => this.samples.receive(event), {
        onError,
      }),
    ];
    this.prototypes.open();
    void this.refresh();
    void this.samples.reload();
  }

  close(): void {
    this.closed = true;
    for (const end of this.ends) end();
    this.prototypes.close();
    this.exemplars.cancel();
  }

  /** Reads the record again: after an event, a checkpoint, a change of state. */
  async refresh(): Promise<void> {
    this.loading ??= this.read().finally(() => (this.loading = undefined));
    await this.loading;
  }

  private async read(): Promise<void> {
    try {
      const record = await this.engine.request('run.get', { run: this.run });
      if (this.closed) return;
      this.record = record;
      this.error = undefined;
      this.knobs.load(record.config.knobs);
      this.recordJournal(record.journal);
      this.surgery.load(record.bank, record.acts);
    } catch (thrown) {
      if (!this.closed) this.error = AppError.from(thrown);
    }
  }

  setKnob(name: KnobName, value: number, settle: boolean): void {
    this.knobs.set(name, value, settle);
  }

  /** Sets the knob back to what it was before the entry. */
  undo(entry: JournalEntry): void {
    this.knobs.set(entry.knob, entry.previous, true);
  }

  private recordCurves(event: SubscriptionEvent<'curves'>): void {
    if (event.run !== this.run) return;
    if (event.restart) this.forgetCurves();
    if (event.outline !== undefined) {
      this.outline = { curves: new CurvesBuffer(true), rows: event.outline };
      this.outline.curves.append(event);
    } else {
      this.whole.append(event);
      // What is shown stays as it is until the history is there.
      if (this.whole.length < (this.outline?.rows ?? 0)) return;
      this.outline = undefined;
    }
    this.curvesVersion += 1;
  }

  private forgetCurves(): void {
    this.whole.clear();
    this.outline = undefined;
  }

  private receiveJournal({ restart, entries, acts }: SubscriptionEvent<'journal'>): void {
    if (restart) {
      this.forgetJournal();
      this.surgery.restart(acts);
    }
    this.recordJournal(entries);
    this.surgery.record(acts);
  }

  private forgetJournal(): void {
    this.journal = [];
    this.knobs.forget();
  }

  private recordJournal(entries: readonly JournalEntry[]): void {
    const seen = new Set(this.journal.map(({ seq }) => seq));
    const fresh = entries.filter(({ seq }) => !seen.has(seq));
    if (fresh.length > 0) {
      this.journal = [...this.journal, ...fresh].sort((a, b) => a.seq - b.seq);
    }
    this.knobs.record(entries);
  }
}
