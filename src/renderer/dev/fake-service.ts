import { configFor } from '@shared/config/presets';
import type { KnobName } from '@shared/config/knobs';
import type { RunConfig } from '@shared/config/run-config';
import { bankOf } from '@shared/config/surgery';
import { AppError } from '@shared/errors';
import { ndarray } from '@shared/maths/ndarray';
import type {
  RequestInput,
  RequestName,
  RequestOutput,
  RunSummary,
  SubscriptionEvent,
  SubscriptionInput,
  SubscriptionName,
} from '@shared/protocol/contract';
import type { Service, Source } from '@shared/protocol/service';
import { drawn, hash } from './fake-images';
import { fakeSheet } from './fake-sheet';
import { FakeQueue } from './fake-queue';
import { FakeRun } from './fake-run';

/** A made-up engine for looking at the window without one: never part of the product. */
export class FakeService implements Service {
  private runs = new Map<string, FakeRun>();
  private notebooks = new Map<string, string>();
  private keys: string | null = null;
  private readonly queue = new FakeQueue();
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
    if (name.startsWith('queue.')) return this.queue.answer(name, input);
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
        return {
          parameters: 1_512_000,
          memory_bytes: 0.9e9,
          step_s: 0.21,
          measured_s: { f32: 0.21, bf16: null },
          warnings: [],
        };
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
          ...{ acts: [], bank: bankOf(config.model.k) },
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
      case 'run.label': {
        const { change } = input as RequestInput<'run.label'>;
        const { own } = run();
        const { tags = own.tags, starred = own.starred } = change;
        run().own = { ...own, tags, starred };
        if (change.name !== undefined) run().ownName = change.name || null;
        return { labels: { name: run().ownName, ...run().own } };
      }
      case 'run.keep': {
        const { step, keep } = input as RequestInput<'run.keep'>;
        const others = run().own.kept.filter((each) => each !== step);
        run().own.kept = keep ? [...others, step] : others;
        return { kept: run().own.kept };
      }
      case 'runs.trash':
        return { trashed: [] };
      case 'runs.empty_trash':
        return { runs: 0, bytes: 0 };
      case 'run.branchpoint': {
        const { step } = input as RequestInput<'run.branchpoint'>;
        return { parent: run().point(step), config: { ...run().config, knobs: run().knobs } };
      }
      case 'run.branch': {
        const { step, config } = input as RequestInput<'run.branch'>;
        const child = new FakeRun('brave-lark', config, this.runs.size, run().point(step));
        this.runs.set(child.id, child);
        this.begin();
        return { run: child.id };
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
      case 'run.rollback':
        run().state = 'running';
        this.begin();
        return { run: run().id, from_step: run().step, lr: run().knobs.lr / 2 };
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
      case 'prototypes.operate':
        throw new AppError('unavailable', 'The made-up run takes no acts on its prototypes.');
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
          return { runs: this.list(), unread: 0 };
        case 'queue':
          return this.queue.event();
        case 'curves': {
          if (!run || run.recorded <= from) return undefined;
          const event = run.rows(from);
          from = run.recorded;
          return event;
        }
        case 'journal': {
          if (!run || run.journal.length <= from) return undefined;
          const entries = run.journal.slice(from);
          from = run.journal.length;
          return { run: run.id, restart: false, entries, acts: [] };
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
