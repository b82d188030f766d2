import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openStore } from '.';
import type { RunStore } from './port';
import { SCHEMA_VERSION } from './schema';
import { openDatabase } from './sqlite';
import { olderRun, VERSIONS } from './testing/older';
import { metricRows, ORIGIN, temporaryRoot, tensorsOf } from './testing/workspace';

let root: string;
let remove: () => void;
let store: RunStore;
let now = Date.UTC(2026, 5, 1);

beforeEach(() => {
  ({ root, remove } = temporaryRoot());
  store = openStore(root, { clock: () => now });
});
afterEach(() => {
  store.close();
  remove();
});

it.each(VERSIONS)(
  'a run of version %i of the schema reads as it is and is brought up to date',
  (version) => {
    const run = olderRun(root, version);
    const path = join(root, 'runs', run, 'run.sqlite');
    const before = readFileSync(path);
    expect(store.list()).toMatchObject([{ run, state: 'stopped', step: 5, last_checkpoint: 5 }]);
    const { journal, events, checkpoints, knobs } = store.read(run);
    expect([journal.length, events.length, checkpoints.length, knobs.lr]).toEqual([1, 1, 1, 5e-4]);
    expect(store.loadCheckpoint(run).tensors).toEqual(tensorsOf(5));
    expect(store.loadSamples(run, 5).settings.step).toBe(5);
    expect(readFileSync(path)).toEqual(before);

    const writer = store.open(run);
    writer.appendMetrics(metricRows(6, 6));
    writer.writeCheckpoint(6, tensorsOf(6), {}, 3);
    writer.end('finished');
    const db = openDatabase(path, true);
    expect(db.version()).toBe(SCHEMA_VERSION);
    db.close();
    expect(store.list()).toMatchObject([{ state: 'finished', step: 6, last_checkpoint: 6 }]);
    expect(store.metrics(run, 0, 10).step).toEqual(Float64Array.of(1, 2, 3, 4, 5, 6));
    expect(store.read(run).journal).toEqual(journal);
  },
);

it('keeps a fixture of every version that was released', () => {
  expect(VERSIONS).toContain(1);
  expect(SCHEMA_VERSION - Math.max(...VERSIONS)).toBeLessThanOrEqual(1);
});

it('orders by step and by id when the clock jumps a day back and forth, and beyond 2038', () => {
  const DAY = 86_400_000;
  const first = store.create(ORIGIN);
  for (const [i, jump] of [0, -DAY, DAY, -3_600_000, Date.UTC(2041, 0, 3) - now].entries()) {
    now += jump;
    const rows = metricRows(3 * i + 1, 3 * i + 3).map((row) => ({ ...row, wall: now }));
    first.appendMetrics(rows);
    first.appendJournal({ applied_at_step: 3 * i, knob: 'lr', previous: 0, value: i, wall: now });
    first.writeCheckpoint(3 * i + 3, tensorsOf(i), {}, 99);
    first.heartbeat({ step: 3 * i + 3, paused: false });
    expect(store.list()[0]?.state).toBe('running');
  }
  const { journal, checkpoints } = store.read(first.run);
  expect(journal.map(({ value }) => value)).toEqual([0, 1, 2, 3, 4]);
  expect(checkpoints.map(({ step }) => step)).toEqual([3, 6, 9, 12, 15]);
  expect([...store.metrics(first.run, 0, 99).step]).toEqual(
    [...Array(15).keys()].map((i) => i + 1),
  );
  expect(store.loadCheckpoint(first.run).step).toBe(15);
  const second = store.create(ORIGIN);
  expect(second.run).toMatch(/^2041010[123]-/);
  // Back again: what was written in that future is as it was.
  now = Date.UTC(2026, 5, 1);
  expect(store.list().map(({ run }) => run)).toEqual([second.run, first.run]);
  second.end('stopped');
  expect(store.list()[0]).toMatchObject({ run: second.run, state: 'stopped' });
});
