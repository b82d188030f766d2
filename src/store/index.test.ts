import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openStore } from '.';
import type { RunStore, RunWriter } from './port';
import { openDatabase } from './sqlite';
import { metricRows, ORIGIN, samplesAt, temporaryRoot, tensorsOf } from './testing/workspace';

let root: string;
let remove: () => void;
let store: RunStore;
let now = 0;
const clock = (): number => now;

beforeEach(() => {
  ({ root, remove } = temporaryRoot());
  now = Date.UTC(2026, 0, 2, 3, 4, 5);
  store = openStore(root, { clock });
});
afterEach(() => {
  store.close();
  remove();
});

const stateOf = (run: string): string | undefined =>
  store.list().find((summary) => summary.run === run)?.state;

describe('a run', () => {
  it('is created with a readable id, listed and read back', () => {
    const writer = store.create(ORIGIN);
    expect(writer.run).toMatch(/^20260102-030405-[a-z]+-[a-z]+$/);
    const [summary] = store.list();
    expect(summary).toMatchObject({
      run: writer.run,
      name: writer.run.slice(16),
      state: 'running',
      step: 0,
      steps: ORIGIN.config.training.steps,
      preset: 'tiny',
      data: 'Digits',
      created: now,
      colour: 0,
      last_checkpoint: null,
      parent: null,
      tags: [],
      starred: false,
      kept: [],
      problem: null,
    });
    expect(store.read(writer.run).origin).toEqual(ORIGIN);
    expect(readdirSync(join(root, 'runs'))).toEqual([writer.run]);
  });

  it('gives the next six runs other colours and names', () => {
    for (let i = 0; i < 8; i++) {
      now += 1000;
      store.create(ORIGIN);
    }
    const runs = store.list();
    expect(runs.map((run) => run.colour).reverse()).toEqual([0, 1, 2, 3, 4, 5, 6, 0]);
    expect(new Set(runs.map((run) => run.name)).size).toBe(8);
    expect(runs[0]?.created).toBe(now);
  });

  it('keeps metrics, whichever columns came when', () => {
    const writer = store.create(ORIGIN);
    writer.appendMetrics([{ step: 1, wall: 5, active: 0.5, values: { 'train/loss': 2 } }]);
    writer.appendMetrics([
      { step: 2, wall: 6, active: 1, values: { 'train/loss': NaN, 'proto/perplexity': 4 } },
      { step: 3, wall: 7, active: 2, values: { 'proto/perplexity': Infinity } },
    ]);
    expect(store.metrics(writer.run, 0, 10)).toEqual({
      keys: ['train/loss', 'proto/perplexity'],
      step: Float64Array.of(1, 2, 3),
      wall: Float64Array.of(5, 6, 7),
      active: Float64Array.of(0.5, 1, 2),
      values: Float64Array.of(2, NaN, NaN, 4, NaN, Infinity),
      next: 3,
      total: 3,
    });
    expect(store.metrics(writer.run, 1, 1).step).toEqual(Float64Array.of(2));
    expect(store.metrics(writer.run, 99, 5)).toMatchObject({ next: 3, step: new Float64Array(0) });
  });

  it('refuses steps that do not rise and names that no column can have, and saves none of it', () => {
    const writer = store.create(ORIGIN);
    writer.appendMetrics(metricRows(1, 3));
    expect(() => writer.appendMetrics(metricRows(3, 4))).toThrow(/step 3 came after/);
    const bad = { step: 5, wall: 0, active: 0, values: { 'a"b': 1 } };
    expect(() => writer.appendMetrics([...metricRows(4, 4), bad])).toThrow(/name of a metric/);
    expect(store.metrics(writer.run, 0, 10).next).toBe(3);
    writer.appendMetrics(metricRows(4, 4));
    expect(store.metrics(writer.run, 0, 10).next).toBe(4);
  });

  it('applies the journal to the knobs', () => {
    const writer = store.create(ORIGIN);
    const change = {
      applied_at_step: 4,
      knob: 'lr',
      previous: 1e-3,
      value: 5e-4,
      wall: now,
    } as const;
    const first = writer.appendJournal(change);
    const second = writer.appendJournal({ ...change, previous: 5e-4, value: 2e-4 });
    expect(second.seq).toBeGreaterThan(first.seq);
    const { knobs, journal } = store.read(writer.run);
    expect(knobs).toEqual({ ...ORIGIN.config.knobs, lr: 2e-4 });
    expect(journal).toEqual([first, second]);
  });

  it('reads samples back from the picture', () => {
    const writer = store.create(ORIGIN);
    const samples = samplesAt(writer.run, 20, 11, 3);
    writer.writeSamples(samplesAt(writer.run, 20, 2));
    writer.writeSamples(samples);
    expect(store.sampleSteps(writer.run)).toEqual([20]);
    expect(store.loadSamples(writer.run, 20)).toEqual(samples);
    expect(() => store.loadSamples(writer.run, 21)).toThrow(/no samples at step 21/);
  });

  it('can be read with any SQLite client', () => {
    const writer = store.create(ORIGIN);
    writer.appendMetrics(metricRows(1, 2));
    writer.release();
    const db = openDatabase(join(root, 'runs', writer.run, 'run.sqlite'), true);
    expect(db.prepare('SELECT step, "train/loss" AS loss FROM metrics').all()).toEqual([
      { step: 1, loss: 1 },
      { step: 2, loss: 0.5 },
    ]);
    db.close();
  });
});

describe('the state', () => {
  it('follows the heartbeat while another process looks', () => {
    const writer = store.create(ORIGIN);
    const other = openStore(root, { clock, readonly: true });
    const seen = (): unknown => other.list()[0]?.state;
    expect(seen()).toBe('running');
    writer.heartbeat({ step: 7, paused: true });
    expect(seen()).toBe('paused');
    expect(other.list()[0]?.step).toBe(7);
    now += 9_000;
    expect(seen()).toBe('paused');
    now += 2_000;
    expect(seen()).toBe('lost');
    // This process knows better: it may be in one long step.
    expect(stateOf(writer.run)).toBe('paused');
  });

  it.each(['finished', 'stopped', 'failed'] as const)('is %s after such an end', (state) => {
    const writer = store.create(ORIGIN);
    writer.appendMetrics(metricRows(1, 5));
    writer.end(state, 'The loss is not finite.');
    expect(store.list()[0]).toMatchObject({ state, step: 5, problem: 'The loss is not finite.' });
    expect(() => writer.appendMetrics(metricRows(6, 6))).toThrow(/is closed/);
  });

  it('is stopped, without a problem, once released, and running when continued', () => {
    const writer = store.create(ORIGIN);
    writer.release();
    expect(store.list()[0]).toMatchObject({ state: 'stopped', problem: null });
    store.open(writer.run);
    expect(stateOf(writer.run)).toBe('running');
    store.close();
    expect(stateOf(writer.run)).toBe('stopped');
  });

  it('names the runs that a process left, and no ended ones', () => {
    const ended = store.create(ORIGIN);
    ended.end('finished');
    const { run } = store.create(ORIGIN);
    expect(store.lostBy(process.pid)).toEqual([run]);
    expect(store.lostBy(process.pid + 1)).toEqual([]);
  });
});

describe('the summary left beside a closed run', () => {
  it('spares the list a look into the database, until that changes', () => {
    const writer = store.create(ORIGIN);
    writer.appendMetrics(metricRows(1, 5));
    writer.end('stopped');
    const path = join(root, 'runs', writer.run, 'summary.json');
    const [summary] = store.list();
    const left = readFileSync(path, 'utf8');
    const altered = left.replace('"step":5', '"step":77');
    expect(altered).not.toBe(left);
    writeFileSync(path, altered);
    const seen = (): unknown => openStore(root, { clock }).list()[0];
    expect(seen()).toMatchObject({ step: 77 });
    for (const useless of ['{"stamp":', '{}', 'null']) {
      writeFileSync(path, useless);
      expect(seen()).toEqual(summary);
    }
    writeFileSync(path, altered);
    utimesSync(join(root, 'runs', writer.run, 'run.sqlite'), 1, 2);
    expect(seen()).toEqual(summary);
  });

  it('does not outlive the next writer', () => {
    const { run } = store.create(ORIGIN);
    store.close();
    const writer = store.open(run);
    writer.appendMetrics(metricRows(1, 3));
    const seen = (): unknown => openStore(root, { clock, readonly: true }).list()[0];
    expect(seen()).toMatchObject({ state: 'running', step: 3 });
    writer.end('finished');
    expect(seen()).toMatchObject({ state: 'finished', step: 3 });
  });
});

describe('rewindTo', () => {
  it('keeps what describes the steps done, drops the rest, and goes on without gaps', () => {
    const writer = store.create(ORIGIN);
    const change = { knob: 'lr', previous: 1, value: 2, wall: 0 } as const;
    writer.appendMetrics(metricRows(1, 30));
    for (const step of [10, 20, 30]) {
      writer.writeCheckpoint(step, tensorsOf(step), {}, 5);
      writer.writeSamples(samplesAt(writer.run, step, 2));
      writer.appendJournal({ ...change, applied_at_step: step });
    }
    const dropped = writer.appendJournal({ ...change, applied_at_step: 21 });
    writer.appendEvent({ wall: 0, step: 25, kind: 'note', message: 'seen' });
    writer.rewindTo(20);
    const { journal, checkpoints, events } = store.read(writer.run);
    expect(journal.map((entry) => entry.applied_at_step)).toEqual([10, 20]);
    expect(checkpoints.map((checkpoint) => checkpoint.step)).toEqual([10, 20]);
    expect(events.map((event) => event.message)).toEqual(['seen']);
    expect(store.sampleSteps(writer.run)).toEqual([10, 20]);
    expect(readdirSync(join(root, 'runs', writer.run, 'checkpoints'))).toHaveLength(2);
    expect(store.list()[0]?.step).toBe(20);
    writer.appendMetrics(metricRows(21, 25));
    const steps = [...store.metrics(writer.run, 0, 100).step];
    expect(steps).toEqual(Array.from({ length: 25 }, (_, i) => i + 1));
    // A number is never given twice, so a client tells the new entry from the dropped one.
    const again = writer.appendJournal({ ...change, applied_at_step: 22 });
    expect(again.seq).toBeGreaterThan(dropped.seq);
  });

  it('survives reopening, and rewinding to where the run stands changes nothing', () => {
    const { run } = store.create(ORIGIN);
    store.close();
    const writer = store.open(run);
    writer.appendMetrics(metricRows(1, 9));
    writer.rewindTo(9);
    expect(store.metrics(run, 0, 100).next).toBe(9);
    writer.rewindTo(0);
    expect(store.metrics(run, 0, 100).next).toBe(0);
    writer.appendMetrics(metricRows(1, 1));
    expect(store.list()[0]?.step).toBe(1);
  });
});

describe('redoFrom', () => {
  const change = { knob: 'lr', previous: 1, value: 2, wall: 0 } as const;
  const recorded = (run: string): number[] => [...store.metrics(run, 0, 100).step];
  const upTo = (last: number): number[] => Array.from({ length: last }, (_, i) => i + 1);
  /** A run that stands at step 20 and is taken up again at its checkpoint of step 10. */
  const crashed = (): RunWriter => {
    const writer = store.create(ORIGIN);
    writer.appendMetrics(metricRows(1, 20));
    writer.writeCheckpoint(10, tensorsOf(1), {}, 5);
    writer.writeSamples(samplesAt(writer.run, 15, 2));
    writer.appendJournal({ ...change, applied_at_step: 12 });
    writer.redoFrom(10);
    return writer;
  };

  it('keeps all that was recorded, and takes each step once more without a double', () => {
    const writer = crashed();
    expect(writer.ahead).toBe(20);
    expect(writer.appendMetrics(metricRows(11, 14))).toBeNull();
    expect(recorded(writer.run)).toEqual(upTo(20));
    // The last ones that are done again may come with new ones.
    expect(writer.appendMetrics(metricRows(15, 23))).toBeNull();
    expect(writer.ahead).toBe(0);
    expect(recorded(writer.run)).toEqual(upTo(23));
    expect(store.sampleSteps(writer.run)).toEqual([15]);
    expect(store.read(writer.run).journal).toHaveLength(1);
    expect(() => writer.appendMetrics(metricRows(23, 24))).toThrow(/came after/);
  });

  it('drops what was recorded from the first step on that comes out differently', () => {
    const writer = crashed();
    const rows = metricRows(11, 14).map((row) => ({
      ...row,
      values: { ...row.values, ...(row.step === 13 && { 'train/loss': 7 }) },
    }));
    expect(writer.appendMetrics(rows)).toBe(13);
    expect(recorded(writer.run)).toEqual(upTo(14));
    expect(store.metrics(writer.run, 12, 1).values[0]).toBe(7);
    expect(store.sampleSteps(writer.run)).toEqual([]);
    expect(store.read(writer.run).journal).toHaveLength(1);
    expect(writer.ahead).toBe(0);
  });

  it('expects the steps again when it is left half-way', () => {
    const { run } = crashed();
    store.close();
    const writer = store.open(run);
    writer.redoFrom(10);
    writer.appendMetrics(metricRows(11, 12));
    expect(store.list()[0]?.step).toBe(20);
    store.close();
    expect(recorded(run)).toEqual(upTo(20));
  });
});

describe('a damaged or foreign folder', () => {
  it.each([
    ['run.sqlite', 'not a database at all, but long enough to be looked at'.repeat(20)],
    ['run.sqlite', ''],
    ['run.json', '{"format": 1, "created"'],
    ['run.json', '{"format": 1}'],
    ['run.json', readableOrigin({ format: 99 })],
  ])('quarantines a run whose %s is damaged, and leaves the others alone', (file, contents) => {
    const good = store.create(ORIGIN);
    const bad = store.create(ORIGIN);
    good.appendMetrics(metricRows(1, 3));
    bad.release();
    writeFileSync(join(root, 'runs', bad.run, file), contents);
    const runs = new Map(store.list().map((run) => [run.run, run]));
    expect(runs.get(bad.run)?.state).toBe('failed');
    expect(runs.get(bad.run)?.problem).toMatch(/^[A-Zr].+\.$/);
    expect(runs.get(good.run)).toMatchObject({ state: 'running', step: 3, problem: null });
    expect(() => store.open(bad.run)).toThrow(expect.objectContaining({ code: 'disk' }) as Error);
  });

  it('refuses a store of a later version with a sentence', () => {
    const { run } = store.create(ORIGIN);
    store.close();
    const db = openDatabase(join(root, 'runs', run, 'run.sqlite'), false);
    db.exec('PRAGMA user_version = 1000');
    db.close();
    expect(store.list()[0]?.problem).toMatch(/written by a later Protodiff/);
    expect(() => store.open(run)).toThrow(/written by a later Protodiff/);
    expect(() => store.read(run)).toThrow(/written by a later Protodiff/);
  });

  it('does not follow paths out of the workspace', () => {
    store.create(ORIGIN);
    mkdirSync(join(root, 'elsewhere'));
    symlinkSync(join(root, 'elsewhere'), join(root, 'runs', 'linked-run'));
    for (const run of ['../elsewhere', '..', '.', '', 'linked-run', 'a/b', 'a\0b', 'No-Such']) {
      expect(() => store.read(run)).toThrow(
        expect.objectContaining({ code: 'not_found' }) as Error,
      );
    }
    expect(store.list()).toHaveLength(1);
  });

  it('ignores a folder that is no run', () => {
    mkdirSync(join(root, 'runs', 'backup'), { recursive: true });
    expect(store.list()).toEqual([]);
  });
});

describe('a store', () => {
  it('creates nothing until it must, and nothing at all when read-only', () => {
    const path = join(root, 'new', 'workspace');
    const fresh = openStore(path, { readonly: true });
    expect(fresh.list()).toEqual([]);
    expect(fresh.freeBytes()).toBeGreaterThan(0);
    expect(() => fresh.create(ORIGIN)).toThrow(/reading only/);
    expect(() => fresh.open('a')).toThrow(/reading only/);
    expect(() => fresh.notebooks.write('a', '{}')).toThrow(/reading only/);
    expect(existsSync(join(root, 'new'))).toBe(false);
    openStore(path).create(ORIGIN).release();
    expect(fresh.list()).toHaveLength(1);
  });

  it('sweeps what killed processes left half-made', () => {
    const gone = 2 ** 22 + 1; // above the largest process id
    const runs = join(root, 'runs');
    mkdirSync(join(runs, `.new-${gone}-1`), { recursive: true });
    mkdirSync(join(runs, '.new-1-1'));
    mkdirSync(join(root, 'notebooks'));
    writeFileSync(join(root, 'notebooks', `.a.json.${gone}-1.tmp`), 'x');
    openStore(root);
    expect(readdirSync(runs)).toEqual(['.new-1-1']);
    expect(readdirSync(join(root, 'notebooks'))).toEqual([]);
    expect(openStore(root).list()).toEqual([]);
  });
});

function readableOrigin(change: object): string {
  const { config, data, versions } = ORIGIN;
  const origin = { format: 1, created: 1, name: 'a-b', colour: 0, config, data, versions };
  return JSON.stringify({ ...origin, ...change });
}

it('writes run.json once', () => {
  const writer = store.create(ORIGIN);
  const path = join(root, 'runs', writer.run, 'run.json');
  const before = readFileSync(path, 'utf8');
  writer.appendMetrics(metricRows(1, 1));
  writer.end('finished');
  expect(readFileSync(path, 'utf8')).toBe(before);
});
