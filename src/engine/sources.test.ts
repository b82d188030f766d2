import type { SubscriptionEvent } from '@shared/protocol/contract';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { sources } from './sources';
import type { SourceContext } from './sources';
import { Topics, topic } from './topics';

type Curves = SubscriptionEvent<'curves'>;

/** A run of so many rows of one metric. */
function curvesOf(history: { total: number }, outline: boolean) {
  const topics = new Topics();
  const metrics = (_run: string, from: number, limit: number) => {
    const { total } = history;
    const n = Math.max(0, Math.min(limit, total - from));
    const step = Float64Array.from({ length: n }, (_, i) => from + i + 1);
    const values = step.map((each) => (each === 30_001 ? 99 : 1 / each));
    return { keys: ['a'], step, wall: step, active: step, values, next: from + n, total };
  };
  const context = { store: { metrics }, topics } as unknown as SourceContext;
  let dirty = true;
  const source = sources.curves(context, { run: 'r', outline }, () => (dirty = true));
  const drain = (): Curves[] => {
    const events: Curves[] = [];
    while (dirty) {
      dirty = false;
      const event = source.pull();
      if (event) events.push(event);
    }
    return events;
  };
  return { topics, drain };
}

const stepsOf = (events: Curves[]): number[] => events.flatMap(({ step }) => [...step.data]);

describe('the curves of a run', () => {
  it('come whole and in order; a long history after its outline where that is asked for', () => {
    const history = { total: 50_000 };
    const whole = Array.from({ length: 50_000 }, (_, i) => i + 1);
    const plain = curvesOf(history, false).drain();
    expect(plain.map(({ outline }) => outline)).toEqual([undefined, undefined, undefined]);
    expect(stepsOf(plain)).toEqual(whole);

    const { drain, topics } = curvesOf(history, true);
    const [first, ...rest] = drain();
    expect(first).toMatchObject({ outline: 50_000, restart: true });
    expect(first?.step.data.length).toBeLessThanOrEqual(2002);
    expect([...(first?.values.data ?? [])]).toContain(99);
    expect(rest.every(({ restart, outline }) => !restart && outline === undefined)).toBe(true);
    expect(stepsOf(rest)).toEqual(whole);

    history.total += 2;
    topics.changed(topic.curves('r'));
    expect(stepsOf(drain())).toEqual([50_001, 50_002]);
    history.total = 40_000;
    topics.changed(topic.rewound('r'));
    expect(drain().map(({ outline, restart }) => [outline, restart])).toEqual([
      [40_000, true],
      [undefined, false],
      [undefined, false],
    ]);
  });

  it('of a short history need no outline', () => {
    const [only, ...more] = curvesOf({ total: 20_000 }, true).drain();
    expect(only?.outline).toBeUndefined();
    expect([stepsOf(only ? [only] : []).length, more.length]).toEqual([20_000, 0]);
  });

  it('are read once for all windows that stand at the same place', async () => {
    const topics = new Topics();
    let reads = 0;
    let total = 3;
    const metrics = (_run: string, from: number) => {
      reads += 1;
      const step = Float64Array.from({ length: total - from }, (_, i) => from + i);
      return { keys: ['a'], step, wall: step, active: step, values: step, next: total, total };
    };
    const context = { store: { metrics }, topics } as unknown as SourceContext;
    const open = () => sources.curves(context, { run: 'r' }, () => undefined);
    const early = [open(), open(), open()];
    const pull = (all: typeof early): (number[] | undefined)[] =>
      all.map((source) => source.pull()?.step.data).map((data) => data && [...data]);
    expect(pull(early)).toEqual([0, 1, 2].map(() => [0, 1, 2]));
    expect(reads).toBe(1);

    // One that came late has its own rows; a change within the turn is seen.
    total = 4;
    topics.changed(topic.curves('r'));
    const late = open();
    expect(pull([...early, late])).toEqual([[3], [3], [3], [0, 1, 2, 3]]);
    expect(reads).toBe(3);

    // Nothing is kept for the next turn.
    await Promise.resolve();
    expect(pull([open()])).toEqual([[0, 1, 2, 3]]);
    expect(reads).toBe(4);
  });
});

describe('a status', () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: 10_001 });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  function statusOf(topics: Topics, every_ms?: number) {
    const context = {
      ...{ topics, session: () => null, preparing: () => undefined, notices: () => [] },
      memory: () => ({ rss_bytes: 1, total_bytes: 2 }),
    } as unknown as SourceContext;
    const told: number[] = [];
    const source = sources.status(context, { every_ms }, () => told.push(Date.now() - 10_000));
    return { told, source };
  }

  it('that goes on by itself is told at common moments where that is asked for, any other at once', () => {
    const topics = new Topics();
    const early = statusOf(topics, 400);
    vi.advanceTimersByTime(50);
    const late = statusOf(topics, 400);
    const other = statusOf(topics);
    topics.changed(topic.progress);
    topics.changed(topic.progress);
    expect([early.told, late.told, other.told]).toEqual([[], [], [51, 51]]);
    vi.advanceTimersByTime(1000);
    expect([early.told, late.told]).toEqual([[400], [400]]);
    topics.changed(topic.status);
    expect([early.told, late.told]).toEqual([
      [400, 1051],
      [400, 1051],
    ]);
  });

  it('is not told any more once nobody listens', () => {
    const topics = new Topics();
    const { told, source } = statusOf(topics, 400);
    topics.changed(topic.progress);
    source.close();
    topics.changed(topic.status, topic.progress);
    vi.advanceTimersByTime(1000);
    expect(told).toEqual([]);
  });
});
