import { AppError } from '@shared/errors';
import type { Client } from '@shared/protocol/client';
import type { SubscriptionEvent } from '@shared/protocol/contract';
import { systemTimers } from '@shared/protocol/timers';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { NEWS_MS, paced } from './paced';

beforeEach(() => {
  vi.useFakeTimers();
  vi.setSystemTime(10 * NEWS_MS + 1);
});
afterEach(() => {
  vi.useRealTimers();
});

type Tell = (event: unknown) => void;

function page() {
  const tells = new Map<string, Tell>();
  const resets = new Map<string, () => void>();
  const ended: string[] = [];
  const refuse = (): never => {
    throw new AppError('internal', 'not asked for here');
  };
  const client: Client = {
    request: refuse,
    subscribe: (name, _input, onEvent, options) => {
      tells.set(name, onEvent as Tell);
      if (options?.onReset) resets.set(name, options.onReset);
      return () => ended.push(name);
    },
    onState: refuse,
    close: refuse,
    state: { state: 'open' },
    hello: undefined,
  };
  const shown = { visibilityState: 'visible' as DocumentVisibilityState, look: () => undefined };
  const seen = {
    get visibilityState() {
      return shown.visibilityState;
    },
    addEventListener: (_kind: string, listener: () => void) => {
      Object.assign(shown, { look: listener });
    },
  };
  return { client: paced(client, seen, systemTimers), tells, resets, ended, shown };
}

const status = (step: number, phase = 'training'): unknown => ({
  active: { run: 'r', phase, step, delay_ms: 0, knobs: {} },
  notices: [],
});
const rows = (...step: number[]): unknown => ({ restart: false, step });

function heard(client: Client): { status: unknown[]; curves: unknown[]; end: () => void } {
  const got = { status: [] as unknown[], curves: [] as unknown[], end: () => undefined as unknown };
  client.subscribe('status', {}, ({ active }: SubscriptionEvent<'status'>) => {
    got.status.push(active?.step);
  });
  got.end = client.subscribe('curves', { run: 'r' }, ({ step }) => void got.curves.push(step), {
    onReset: () => got.curves.push('reset'),
  });
  return got;
}

it('hands over the first of each at once, then all news of a while in one turn, no row left out', () => {
  const { client, tells } = page();
  const got = heard(client);
  const turns: number[] = [];
  for (const step of [1, 2, 3]) {
    tells.get('status')?.(status(step));
    tells.get('curves')?.(rows(step));
    vi.advanceTimersByTime(50);
    turns.push(got.status.length + got.curves.length);
  }
  expect(turns).toEqual([2, 2, 2]);
  vi.advanceTimersByTime(NEWS_MS);
  expect(got.status).toEqual([1, 3]);
  expect(got.curves).toEqual([[1], [2], [3]]);
});

it('tells a change of state at once, and no older status after it', () => {
  const { client, tells } = page();
  const got = heard(client);
  tells.get('status')?.(status(1));
  tells.get('status')?.(status(2));
  tells.get('status')?.(status(3, 'paused'));
  expect(got.status).toEqual([1, 3]);
  tells.get('status')?.(status(4, 'paused'));
  expect(got.status).toEqual([1, 3, 4]);
  vi.advanceTimersByTime(2 * NEWS_MS);
  expect(got.status).toEqual([1, 3, 4]);
});

it('gathers for longer while nobody sees the page, and gives all when somebody looks again', () => {
  const { client, tells, shown } = page();
  const got = heard(client);
  shown.visibilityState = 'hidden';
  tells.get('curves')?.(rows(1));
  tells.get('curves')?.(rows(2));
  vi.advanceTimersByTime(5 * NEWS_MS);
  expect(got.curves).toEqual([[1]]);
  shown.visibilityState = 'visible';
  shown.look();
  expect(got.curves).toEqual([[1], [2]]);
});

it('forgets what waits when the subscription starts over or ends', () => {
  const { client, tells, resets, ended } = page();
  const got = heard(client);
  tells.get('curves')?.(rows(1));
  tells.get('curves')?.(rows(2));
  resets.get('curves')?.();
  vi.advanceTimersByTime(2 * NEWS_MS);
  expect(got.curves).toEqual([[1], 'reset']);
  tells.get('curves')?.(rows(7));
  got.end();
  vi.advanceTimersByTime(2 * NEWS_MS);
  expect(got.curves).toEqual([[1], 'reset']);
  expect(ended).toEqual(['curves']);
});
