import { configFor } from '@shared/config/presets';
import type { KnobName } from '@shared/config/knobs';
import type { RunConfig } from '@shared/config/run-config';
import { AppError } from '@shared/errors';
import { ndarray } from '@shared/maths/ndarray';
import type { NdArray } from '@shared/maths/ndarray';
import { METRICS } from '@shared/protocol/contract';
import type {
  JournalEntry,
  RequestInput,
  RequestName,
  RequestOutput,
  RunSummary,
  SampleSettings,
  SubscriptionEvent,
  SubscriptionInput,
  SubscriptionName,
} from '@shared/protocol/contract';
import type { PrototypeLabel } from '@shared/protocol/contract-prototypes';
import type { Service, Source } from '@shared/protocol/service';
import { FakeBank } from './fake-bank';
import { drawn, hash } from './fake-images';
import { fakeSheet } from './fake-sheet';
import { validation } from './fake-validation';

/** A made-up engine for looking at the window without one: never part of the product. */
export class FakeService implements Service {
  private runs = new Map<string, FakeRun>();
  private notebooks = new Map<string, string>();
  private keys: string | null = null;
  private saved = 0;
  private listeners = new Set<() => void>();
  private timer: ReturnType<typeof setInterval> | undefined;

  constructor(private readonly stepsPerTick = 3) {}

  seed(step: number): FakeRun {
    const config = configFor('quick', { kind: 'digits' });
    const names: [string, RunSummary['state'], number][] = [
      ['quiet-maple', 'finished', 3000],
      ['slate-otter', 'stopped', 1240],
      ['pale-comet', 'lost', 412],
      ['lucid-finch', 'failed', 96],
    ];
    names.forEach(([name, state, at], i) => {
      const run = new FakeRun(name, config, i + 1);
      run.advance(at);
      run.state = state;
      if (state === 'failed') run.problem = 'The loss became NaN at step 97.';
      this.runs.set(run.id, run);
    });
    const run = new FakeRun('brisk-heron', config, 0);
    run.advance(Math.floor(step * 0.4));
    run.change('alpha', 0.5);
    run.advance(Math.floor(step * 0.75) - run.step);
    run.change('lr', 2e-4);
    run.advance(step - run.step);
    this.runs.set(run.id, run);
    return run;
  }

  begin(): void {
    this.timer ??= setInterval(() => {
      for (const run of this.runs.values()) {
        if (run.state === 'running') run.advance(this.stepsPerTick);
      }
      this.tell();
    }, 100);
  }

  private tell(): void {
    for (const listener of this.listeners) listener();
  }

  async request<N extends RequestName>(name: N, input: RequestInput<N>): Promise<RequestOutput<N>> {
    await new Promise((resolve) => setTimeout(resolve, 30));
    const answer = this.answer(name, input as never);
    this.tell();
    return answer as RequestOutput<N>;
  }

  private answer(name: RequestName, input: never): unknown {
    const run = (): FakeRun => {
      const found = this.runs.get((input as { run: string }).run);
      if (!found) throw new AppError('not_found', 'There is no such run.');
      return found;
    };
    switch (name) {
      case 'hello':
        return {
          protocol: 1,
          app_version: '0.1.0',
          capabilities: [],
          backend: { name: 'tensorflow', device: 'cpu', version: '2.21', why: null },
          machine: { cores: 8, memory_bytes: 15.6e9 },
          workspace: { path: '/home/you/protodiff', free_bytes: 18.4e9 },
        };
      case 'data.describe':
        return describe((input as RequestInput<'data.describe'>).data);
      case 'model.estimate':
        return { parameters: 1_512_000, memory_bytes: 0.9e9, step_s: 0.21, warnings: [] };
      case 'runs.list':
        return { runs: this.list() };
      case 'run.get': {
        const { config, knobs, journal, id } = run();
        return {
          summary: run().summary(),
          config,
          plan: [],
          images: 10_000,
          knobs,
          journal,
          checkpoints: run().checkpoints(),
          events: id.includes('brisk')
            ? []
            : [{ wall: Date.now(), step: 0, kind: 'started', message: 'Started.' }],
        };
      }
      case 'run.start': {
        const { config } = input as RequestInput<'run.start'>;
        if ([...this.runs.values()].some(({ state }) => state === 'running')) {
          throw new AppError('busy', 'Another run is training.', { remedy: 'Stop it first.' });
        }
        const started = new FakeRun('amber-kite', config, this.runs.size);
        this.runs.set(started.id, started);
        this.begin();
        return { run: started.id };
      }
      case 'run.pause':
        run().state = 'paused';
        return { step: run().step };
      case 'run.resume':
        run().state = 'running';
        return { step: run().step };
      case 'run.continue':
        run().state = 'running';
        this.begin();
        return { run: run().id, from_step: run().step };
      case 'run.stop':
        run().state = 'stopped';
        return { step: run().step };
      case 'run.sample':
        run().preview();
        return { step: run().step };
      case 'run.checkpoint':
        return { step: run().step };
      case 'run.step':
        run().advance(1);
        return { step: run().step };
      case 'run.pace':
        run().delay = (input as RequestInput<'run.pace'>).delay_ms;
        return { step: run().step };
      case 'knobs.set': {
        const { change } = input as RequestInput<'knobs.set'>;
        return {
          entries: Object.entries(change).map(([knob, value]) =>
            run().change(knob as KnobName, value),
          ),
        };
      }
      case 'samples.list':
        return { steps: run().previews };
      case 'samples.get':
        return run().samples((input as RequestInput<'samples.get'>).step);
      case 'notebooks.list':
        return {
          notebooks: [...this.notebooks.keys()]
            .filter((each) => !each.startsWith('.'))
            .map((each) => ({
              name: each,
              modified: Date.now(),
            })),
        };
      case 'notebook.read':
        return {
          json: this.notebooks.get((input as RequestInput<'notebook.read'>).name),
          modified: this.saved,
        };
      case 'notebook.write': {
        const { name: file, json } = input as RequestInput<'notebook.write'>;
        this.notebooks.set(file, json);
        this.saved = Date.now();
        return { modified: this.saved };
      }
      case 'prototypes.probe': {
        const { index, labels } = run().bank;
        return {
          index: ndarray(index, [index.length]),
          labels: ndarray(labels, [labels.length]),
          classes: Array.from({ length: 10 }, (_, i) => String(i)),
          images: drawn(index.length, 1, 0),
        };
      }
      case 'prototypes.label': {
        const { label } = input as RequestInput<'prototypes.label'>;
        const others = run().labels.filter(({ prototype }) => prototype !== label.prototype);
        run().labels = [...others, label];
        return { labels: run().labels };
      }
      case 'notebook.rename':
      case 'notebook.restore':
      case 'notebook.delete': {
        const { name: from, ...more } = input as { name: string; to?: string; trashed?: string };
        const json = this.notebooks.get(more.trashed ?? from) ?? '';
        this.notebooks.delete(more.trashed ?? from);
        if (name !== 'notebook.delete') this.notebooks.set(more.to ?? from, json);
        else this.notebooks.set(`.${from}`, json);
        return name === 'notebook.delete' ? { trashed: `.${from}` } : { modified: this.saved };
      }
      case 'notebooks.trash':
        return { trashed: [] };
      case 'keys.read':
        return { json: this.keys };
      case 'keys.write':
        this.keys = (input as RequestInput<'keys.write'>).json;
        return { modified: 0 };
    }
  }

  private list(): RunSummary[] {
    return [...this.runs.values()].map((run) => run.summary()).reverse();
  }

  subscribe<N extends SubscriptionName>(
    name: N,
    input: SubscriptionInput<N>,
    changed: () => void,
  ): Source<SubscriptionEvent<N>> {
    this.listeners.add(changed);
    queueMicrotask(changed);
    let from = 0;
    let seen = '';
    const pull = (): unknown => {
      const run = this.runs.get((input as { run?: string }).run ?? '');
      switch (name) {
        case 'status':
          return {
            active:
              [...this.runs.values()]
                .find(({ state }) => state === 'running' || state === 'paused')
                ?.activity() ?? null,
            memory: { rss_bytes: 2.1e9, total_bytes: 7.8e9 },
            notices: [],
          };
        case 'runs':
          return { runs: this.list() };
        case 'curves': {
          if (!run || run.step <= from) return undefined;
          const event = run.rows(from);
          from = run.step;
          return event;
        }
        case 'journal': {
          if (!run || run.journal.length <= from) return undefined;
          const entries = run.journal.slice(from);
          from = run.journal.length;
          return { run: run.id, entries };
        }
        case 'samples': {
          const last = run?.previews.at(-1);
          if (!run || last === undefined || String(last) === seen) return undefined;
          seen = String(last);
          return run.samples(last);
        }
        case 'sheet':
          if (!run || seen !== '') return undefined;
          seen = 'made';
          return fakeSheet(input as SubscriptionInput<'sheet'>, run.step);
        case 'prototypes': {
          const next = run?.bank.snapshots(run.step)[from];
          if (!run || !next) return undefined;
          from += 1;
          queueMicrotask(changed);
          return { run: run.id, restart: from === 1, ...next };
        }
        case 'prototype_labels': {
          const text = JSON.stringify(run?.labels);
          if (!run || text === seen) return undefined;
          seen = text;
          return { labels: run.labels };
        }
        case 'exemplars': {
          if (!run || from > 79) return undefined;
          from += 8;
          const { count } = input as SubscriptionInput<'exemplars'>;
          return run.bank.exemplars(count, from, (n) => drawn(n, 1, 0));
        }
      }
    };
    return {
      pull: () => pull() as SubscriptionEvent<N> | undefined,
      close: () => this.listeners.delete(changed),
    };
  }
}

class FakeRun {
  readonly id: string;
  step = 0;
  delay = 0;
  state: RunSummary['state'] = 'running';
  problem: string | null = null;
  journal: JournalEntry[] = [];
  previews: number[] = [];
  labels: PrototypeLabel[] = [];
  readonly bank: FakeBank;
  knobs: Record<KnobName, number>;
  private values: number[] = [];
  private readonly began = Date.now() - 3_600_000;

  constructor(
    readonly name: string,
    readonly config: RunConfig,
    private readonly colour: number,
  ) {
    this.id = `20260101-10101${colour}-${name}`;
    this.knobs = { ...config.knobs };
    this.bank = new FakeBank(config, colour);
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
    const n = this.step - from;
    const column = (value: (step: number) => number) =>
      ndarray(
        Float64Array.from({ length: n }, (_, i) => value(from + i + 1)),
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
      name: this.name,
      state: this.state,
      step: this.step,
      steps: this.config.training.steps,
      preset: this.config.preset,
      data: this.config.data.source.kind,
      created: this.began,
      colour: this.colour,
      last_checkpoint: this.checkpoints().at(-1)?.step ?? null,
      parent: null,
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

function describe(data: RunConfig['data']): RequestOutput<'data.describe'> {
  const { source, channels } = data;
  if (source.kind === 'folder' && source.path.includes('missing')) {
    throw new AppError('bad_data', `There is no folder ${source.path}.`, {
      remedy: 'Check the path; it names a folder on the computer that runs the engine.',
    });
  }
  const skipped =
    source.kind === 'folder'
      ? [
          {
            what: 'a/scan_0417.png',
            reason: 'The file ends early: copy it again from its source.',
          },
          {
            what: 'a/scan_0418.png',
            reason: 'The file ends early: copy it again from its source.',
          },
          { what: 'label.txt', reason: 'Not an image.' },
          { what: 'thumb_01.png', reason: '7 × 7, under the 16 × 16 minimum.' },
        ]
      : [];
  return {
    name: source.kind === 'folder' ? (source.path.split('/').pop() ?? '') : source.kind,
    images: source.kind === 'digits' ? 10_000 : 3_412,
    height: 32,
    width: 32,
    channels,
    classes: Array.from({ length: 10 }, (_, i) => ({
      name: String(i),
      count: 892 + Math.round(hash(i) * 239),
    })),
    fingerprint: 'a41f9c02d377',
    skipped,
    skipped_total: skipped.length,
    thumbnails: drawn(24, channels, 0),
  };
}
