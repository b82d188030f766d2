import { AppError } from '@shared/errors';
import type { Client } from '@shared/protocol/client';
import type { SubscriptionEvent } from '@shared/protocol/contract';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Heed } from './attention';
import { GATHER_MS, paced } from './paced';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

type Tell = (event: unknown) => void;

function page() {
  const tells = new Map<string, Tell>();
  const resets = new Map<string, () => void>();
  const asked: unknown[] = [];
  const ended: string[] = [];
  const refuse = (): never => {
    throw new AppError('internal', 'not asked for here');
  };
  const client: Client = {
    request: refuse,
    subscribe: (name, input, onEvent, options) => {
      asked.push([name, input]);
      tells.set(name, onEvent as Tell);
      if (options?.onReset) resets.set(name, options.onReset);
      return () => ended.push(name);
    },
    onState: refuse,
    close: refuse,
    state: { state: 'open' },
    hello: undefined,
  };
  const person = { heed: 'used' as Heed, more: (): void => undefined };
  const attention = {
    get heed() {
      return person.heed;
    },
    onMore: (listener: () => void) => void (person.more = listener),
  };
  return { client: paced(client, attention), tells, resets, asked, ended, person };
}

const status = (step: number): unknown => ({ active: { step } });
const rows = (...step: number[]): unknown => ({ step });

function heard(client: Client) {
  const got = { status: [] as unknown[], curves: [] as unknown[], end: (): void => undefined };
  client.subscribe('status', {}, ({ active }: SubscriptionEvent<'status'>) => {
    got.status.push(active?.step);
  });
  got.end = client.subscribe('curves', { run: 'r' }, ({ step }) => void got.curves.push(step), {
    onReset: () => got.curves.push('reset'),
  });
  return got;
}

it('asks for what goes on by itself a few times a second, and for all else as it comes', () => {
  const { client, asked } = page();
  client.subscribe('curves', { run: 'r', outline: true }, () => undefined);
  client.subscribe('samples', { run: 'r' }, () => undefined);
  expect(asked).toEqual([
    ['curves', { run: 'r', outline: true, every_ms: 400 }],
    ['samples', { run: 'r' }],
  ]);
});

it('hands over the first of each at once, then what comes together in one turn, no row left out', () => {
  const { client, tells } = page();
  const got = heard(client);
  for (const step of [1, 2, 3]) {
    tells.get('status')?.(status(step));
    tells.get('curves')?.(rows(step));
  }
  expect(got).toMatchObject({ status: [1], curves: [[1]] });
  vi.advanceTimersByTime(GATHER_MS.used);
  expect(got).toMatchObject({ status: [1, 3], curves: [[1], [2], [3]] });
  tells.get('curves')?.(rows(4));
  vi.advanceTimersByTime(GATHER_MS.used);
  expect(got).toMatchObject({ status: [1, 3], curves: [[1], [2], [3], [4]] });
});

it('gathers for longer where nobody does anything, and gives all once somebody does', () => {
  const { client, tells, person } = page();
  const got = heard(client);
  tells.get('curves')?.(rows(1));
  person.heed = 'seen';
  tells.get('curves')?.(rows(2));
  vi.advanceTimersByTime(GATHER_MS.seen - 1);
  expect(got.curves).toEqual([[1]]);
  vi.advanceTimersByTime(1);
  expect(got.curves).toEqual([[1], [2]]);
  tells.get('curves')?.(rows(3));
  person.heed = 'used';
  person.more();
  expect(got.curves).toEqual([[1], [2], [3]]);
});

it('forgets what waits when the subscription starts over or ends', () => {
  const { client, tells, resets, ended } = page();
  const got = heard(client);
  tells.get('curves')?.(rows(1));
  tells.get('curves')?.(rows(2));
  resets.get('curves')?.();
  vi.advanceTimersByTime(GATHER_MS.used);
  expect(got.curves).toEqual([[1], 'reset']);
  tells.get('curves')?.(rows(7));
  got.end();
  vi.advanceTimersByTime(GATHER_MS.used);
  expect(got.curves).toEqual([[1], 'reset']);
  expect(ended).toEqual(['curves']);
});
