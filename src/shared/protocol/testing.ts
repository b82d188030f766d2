import { AppError } from '../errors';
import { ndarray } from '../maths/ndarray';
import type { RequestName, SubscriptionEvent, SubscriptionName } from './contract';
import type { Service, Source } from './service';
import type { Timers } from './timers';

/** For tests: a clock that stands still until `advance`. */
export class HandTimers implements Timers {
  private time = 1_000_000;
  private readonly due = new Map<object, { at: number; run: () => void }>();

  now = (): number => this.time;

  set(run: () => void, ms: number): unknown {
    const timer = {};
    this.due.set(timer, { at: this.time + ms, run });
    return timer;
  }

  clear(timer: unknown): void {
    this.due.delete(timer as object);
  }

  get waiting(): number {
    return this.due.size;
  }

  /** Runs what falls due in order, letting promises settle around each. */
  async advance(ms: number): Promise<void> {
    const end = this.time + ms;
    await settle();
    for (;;) {
      const next = [...this.due].sort(([, a], [, b]) => a.at - b.at)[0];
      if (next === undefined || next[1].at > end) break;
      this.due.delete(next[0]);
      this.time = next[1].at;
      next[1].run();
      await settle();
    }
    this.time = end;
  }
}

/** Lets all that is queued as microtasks happen. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 50; i += 1) await Promise.resolve();
}

type Answer = (input: never, signal: AbortSignal) => unknown;
type Feed = (input: never, changed: () => void) => Source<unknown>;

/** For tests: a service that answers from the tables given; what they lack is `not_found`. */
export function fakeService(tables: {
  answers?: Partial<Record<RequestName, Answer>>;
  feeds?: Partial<Record<SubscriptionName, Feed>>;
}): Service {
  return {
    async request(name, input, signal) {
      const answer = tables.answers?.[name] ?? (name === 'hello' ? () => HELLO : undefined);
      if (answer === undefined) throw new AppError('not_found', `no fake ${name}`);
      // The table's author vouches for the types; the schemas check them again.
      return (await answer(input as never, signal)) as never;
    },
    subscribe(name, input, changed) {
      const feed = tables.feeds?.[name];
      if (feed === undefined) throw new AppError('not_found', `no fake ${name}`);
      return feed(input as never, changed) as Source<never>;
    },
  };
}

export const HELLO = {
  protocol: 1,
  app_version: '0.0.0',
  capabilities: [],
  backend: { name: 'cpu', device: 'cpu', version: '0', why: null },
  machine: { cores: 2, memory_bytes: 1 },
  workspace: { path: '/workspace', free_bytes: 1 },
};

const rows = (from: number, to: number): SubscriptionEvent<'curves'> => {
  const step = Float64Array.from({ length: to - from }, (_, i) => from + i);
  const column = (): ReturnType<typeof ndarray<Float64Array>> => ndarray(step, [step.length]);
  return {
    run: 'r',
    restart: false,
    keys: ['train/loss'],
    step: column(),
    wall: column(),
    active: column(),
    values: ndarray(step, [step.length, 1]),
  };
};

/** For tests: a run that trains when told to, seen through a lossless curves subscription. */
export function curvesSource() {
  const state = { total: 0, pulls: 0, closed: 0, watchers: new Set<() => void>() };
  return {
    state,
    train(steps: number): void {
      state.total += steps;
      for (const changed of state.watchers) changed();
    },
    feed: (_input: never, changed: () => void) => {
      let sent = 0;
      state.watchers.add(changed);
      return {
        pull() {
          if (sent === state.total) return undefined;
          state.pulls += 1;
          const from = sent;
          sent = state.total;
          return rows(from, sent);
        },
        close() {
          state.closed += 1;
          state.watchers.delete(changed);
        },
      };
    },
  };
}
