import type { KnobName } from '@shared/config/knobs';
import type { RunConfig } from '@shared/config/run-config';
import { AppError } from '@shared/errors';
import { ndarray } from '@shared/maths/ndarray';
import type { NdArray } from '@shared/maths/ndarray';
import { METRICS } from '@shared/protocol/contract';
import type {
  JournalEntry,
  RunSummary,
  SampleSettings,
  SubscriptionEvent,
} from '@shared/protocol/contract';
import type { PrototypeLabel } from '@shared/protocol/contract-prototypes';
import type { Parent } from '@shared/protocol/contract-runs';
import { FakeBank } from './fake-bank';
import { drawn, hash } from './fake-images';
import { validation } from './fake-validation';

/** A made-up run of the made-up engine. */
export class FakeRun {
  readonly id: string;
  step = 0;
  delay = 0;
  state: RunSummary['state'] = 'running';
  problem: string | null = null;
  journal: JournalEntry[] = [];
  previews: number[] = [];
  own = { tags: [] as string[], starred: false, kept: [] as number[] };
  ownName: string | null = null;
  labels: PrototypeLabel[] = [];
  readonly bank: FakeBank;
  knobs: Record<KnobName, number>;
  private values: number[] = [];
  private readonly began = Date.now() - 3_600_000;

  constructor(
    readonly name: string,
    readonly config: RunConfig,
    private readonly colour: number,
    readonly parent: Parent | null = null,
  ) {
    this.id = `20260101-10101${colour}-${name}`;
    this.knobs = { ...config.knobs };
    this.bank = new FakeBank(config, colour);
    this.step = this.first;
  }

  /** Steps that were its parent's. */
  private get first(): number {
    return this.parent?.step ?? 0;
  }

  /** Rows of metrics. */
  get recorded(): number {
    return this.step - this.first;
  }

  /** The newest checkpoint at or before a step. */
  point(step: number): Parent {
    const found = this.checkpoints()
      .filter((each) => each.step <= step)
      .at(-1);
    if (found) return { run: this.id, step: found.step, sha256: '' };
    throw new AppError('not_found', `${this.name} has no checkpoint at or before step ${step}.`);
  }

  advance(steps: number): void {
    for (let i = 0; i < steps && this.step < this.config.training.steps; i++) {
      this.step += 1;
      this.values.push(...this.row(this.step));
      if (this.step % this.config.knobs.sample_every === 0) this.previews.push(this.step);
    }
  }

  preview(): void {
    if (!this.previews.includes(this.step)) this.previews.push(this.step);
  }

  private row(step: number): number[] {
    const noise = (scale: number): number =>
      1 + scale * (hash(step * 31 + this.colour * 7 + scale * 1000) - 0.5);
    const fall = (top: number, floor: number, rate: number): number =>
      (floor + (top - floor) * Math.exp(-step / rate)) * noise(0.5);
    const diff = fall(1.02, 0.045, 160) + fall(0.1, 0.0, 1200);
    const contrastive = fall(2.3, 0.5, 500);
    const align = fall(0.9, 0.12, 600);
    const compact = fall(1.4, 0.06, 400);
    const { steps, warmup_steps } = this.config.training;
    const schedule =
      step < warmup_steps ? step / warmup_steps : 0.5 * (1 + Math.cos((Math.PI * step) / steps));
    return [
      diff + 0.02 * (contrastive + align + compact),
      diff,
      contrastive,
      align,
      compact,
      this.knobs.lr * schedule,
      fall(2.4, 0.35, 300),
      118 * noise(0.1),
      fall(1, 8.8, 900),
      ...this.probed(step),
      ...validation(step, diff),
    ];
  }

  /** churn, purity, nmi, dead, swap: in the rows of steps with a snapshot. */
  private probed(step: number): number[] {
    if (step % this.config.training.probe_every !== 0) return [NaN, NaN, NaN, NaN, NaN];
    const found = this.bank.snapshots(step).find((each) => each.step === step);
    const mean = (found?.swaps ?? []).reduce((sum, { change }) => sum + change / 8, 0);
    return [found?.churn ?? NaN, found?.purity ?? NaN, found?.nmi ?? NaN, 1, mean || NaN];
  }

  change(knob: KnobName, value: number): JournalEntry {
    const entry = {
      seq: this.journal.length,
      applied_at_step: this.step + 1,
      knob,
      previous: this.knobs[knob],
      value,
      wall: Date.now(),
    };
    this.knobs[knob] = value;
    this.journal.push(entry);
    return entry;
  }

  rows(from: number): SubscriptionEvent<'curves'> {
    const n = this.recorded - from;
    const column = (value: (step: number) => number) =>
      ndarray(
        Float64Array.from({ length: n }, (_, i) => value(this.first + from + i + 1)),
        [n],
      );
    return {
      run: this.id,
      restart: from === 0,
      keys: [...METRICS],
      step: column((step) => step),
      wall: column((step) => this.began + step * 270),
      active: column((step) => step * 0.27),
      values: ndarray(Float64Array.from(this.values.slice(from * METRICS.length)), [
        n,
        METRICS.length,
      ]),
    };
  }

  checkpoints() {
    const every = this.config.training.checkpoint_every;
    const last = Math.floor(this.step / every);
    return [2, 1, 0]
      .map((back) => (last - back) * every)
      .filter((step) => step > 0)
      .map((step) => ({ step, file: '', sha256: '', bytes: 1, wall: Date.now() - 143_000 }));
  }

  summary(): RunSummary {
    return {
      run: this.id,
      name: this.ownName ?? this.name,
      state: this.state,
      step: this.step,
      steps: this.config.training.steps,
      preset: this.config.preset,
      data: this.config.data.source.kind,
      created: this.began,
      colour: this.colour,
      last_checkpoint: this.checkpoints().at(-1)?.step ?? null,
      parent: this.parent,
      ...this.own,
      problem: this.problem,
    };
  }

  activity(): SubscriptionEvent<'status'>['active'] {
    return {
      run: this.id,
      name: this.name,
      phase: this.state === 'paused' ? 'paused' : 'training',
      step: this.step,
      steps: this.config.training.steps,
      epoch: (this.step * this.config.training.batch_size) / 10_000,
      step_s: 0.27,
      images_per_s: 118,
      eta_s: (this.config.training.steps - this.step) * 0.27,
      delay_ms: this.delay,
      loss: this.values.at(-METRICS.length) ?? null,
      knobs: this.knobs,
      next_sample_step: (Math.floor(this.step / 100) + 1) * 100,
      last_checkpoint: { step: this.checkpoints().at(-1)?.step ?? 0, wall: Date.now() - 43_000 },
    };
  }

  samples(step: number): { settings: SampleSettings; images: NdArray<Uint8Array> } {
    const { sampling, model } = this.config;
    return {
      settings: {
        ...sampling,
        run: this.id,
        step,
        prototypes: Array.from({ length: sampling.count }, (_, i) => i % model.k),
        seconds: 4.2,
      },
      images: drawn(sampling.count, 1, Math.exp(-step / 300)),
    };
  }
}
