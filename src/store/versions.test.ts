import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, watch } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openStore } from '.';
import type { RunStore } from './port';
import { SCHEMA_VERSION } from './schema';
import { openDatabase } from './sqlite';
import { buildChild } from './testing/child';
import { olderRun, VERSIONS } from './testing/older';
import { SEED, seeded } from './testing/random';
import { metricRows, ORIGIN, temporaryRoot, tensorsOf } from './testing/workspace';

/** KILLS=100 is the full number. */
const KILLS = Number(process.env.KILLS ?? 4);
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
    expect(versionAt(path)).toBe(SCHEMA_VERSION);
    expect(store.list()).toMatchObject([{ state: 'finished', step: 6, last_checkpoint: 6 }]);
    expect(store.metrics(run, 0, 10).step).toEqual(Float64Array.of(1, 2, 3, 4, 5, 6));
    expect(store.read(run).journal).toEqual(journal);
  },
);

/** The version of a database, which is whole. */
function versionAt(path: string): number {
  const db = openDatabase(path, true);
  try {
    expect(db.prepare('PRAGMA integrity_check').get()).toMatchObject({ integrity_check: 'ok' });
    return db.version();
  } finally {
    db.close();
  }
}
const backupsIn = (folder: string): string[] =>
  readdirSync(folder).filter((name) => /^run\..+\.sqlite$/.test(name));

it('keeps the database as it was before it was brought up to date, once, and not in copies', () => {
  const run = olderRun(root, 3);
  const folder = join(root, 'runs', run);
  store.open(run).release();
  expect(backupsIn(folder)).toEqual(['run.v3.sqlite']);
  // An older Protodiff finds all of it there.
  const backup = openDatabase(join(folder, 'run.v3.sqlite'), true);
  expect(backup.prepare('SELECT max(step) AS last FROM metrics').get()).toMatchObject({ last: 5 });
  expect(() => backup.prepare('SELECT * FROM acts').all()).toThrow(/no such table/);
  backup.close();
  expect(versionAt(join(folder, 'run.v3.sqlite'))).toBe(3);
  const before = readFileSync(join(folder, 'run.v3.sqlite'));
  store.open(run).release();
  expect(readFileSync(join(folder, 'run.v3.sqlite'))).toEqual(before);
  expect(backupsIn(join(root, 'runs', store.shelf.copy(run)))).toEqual([]);
});

it('refuses a run that a later Protodiff wrote, and leaves it as it is', () => {
  const run = olderRun(root, SCHEMA_VERSION);
  const path = join(root, 'runs', run, 'run.sqlite');
  const db = openDatabase(path, false);
  db.exec(`PRAGMA user_version = ${SCHEMA_VERSION + 1}`);
  db.close();
  const before = readFileSync(path);
  expect(() => store.open(run)).toThrow(
    expect.objectContaining({
      message: expect.stringContaining('was written by a later Protodiff'),
      remedy: 'Open it with that version, or update this one.',
    }),
  );
  expect(store.list()[0]?.problem).toContain('was written by a later Protodiff');
  expect(readFileSync(path)).toEqual(before);
  expect(backupsIn(join(root, 'runs', run))).toEqual([]);
});

it(`is of the old version or the new one, and whole, when killed while it is brought up, ${KILLS} times (seed ${SEED})`, async () => {
  const { outDir, script } = await buildChild('writer-child');
  const random = seeded(SEED);
  const older = VERSIONS.filter((version) => version < SCHEMA_VERSION);
  /** Before the backup was there, between it and the new version, after. */
  const fell = new Set<string>();
  for (let kill = 0; kill < KILLS; kill++) {
    const version = older[random(older.length)] ?? 1;
    const run = olderRun(root, version);
    const folder = join(root, 'runs', run);
    const from = ['lock', `run.v${version}.sqlite`][random(2)] ?? '';
    const start = (): ChildProcess => spawn(process.execPath, [script, root, run]);
    await killAfter(random(8), join(folder, from), start);
    const now = versionAt(join(folder, 'run.sqlite'));
    expect([version, SCHEMA_VERSION]).toContain(now);
    const backups = backupsIn(folder);
    fell.add(now === SCHEMA_VERSION ? 'after' : backups.length > 0 ? 'between' : 'before');
    if (now === SCHEMA_VERSION) expect(backups).toEqual([`run.v${version}.sqlite`]);
    for (const name of backups) expect(versionAt(join(folder, name))).toBe(version);

    store.open(run).release();
    expect(versionAt(join(folder, 'run.sqlite'))).toBe(SCHEMA_VERSION);
    expect(backupsIn(folder)).toEqual([`run.v${version}.sqlite`]);
    expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
    expect([...store.metrics(run, 0, 5).step]).toEqual([1, 2, 3, 4, 5]);
    expect(store.loadCheckpoint(run, 5).tensors).toEqual(tensorsOf(5));
    rmSync(folder, { recursive: true });
  }
  rmSync(outDir, { recursive: true });
  // Enough of them reach each of the moments.
  if (KILLS >= 50) expect([...fell].sort()).toEqual(['after', 'before', 'between']);
}, 600_000);

/** Kills the process `ms` after `file` has appeared. */
function killAfter(ms: number, file: string, start: () => ChildProcess): Promise<void> {
  rmSync(join(dirname(file), 'lock'), { force: true });
  return new Promise((done) => {
    const watcher = watch(dirname(file), () => {
      if (!existsSync(file)) return;
      watcher.close();
      setTimeout(() => child.kill('SIGKILL'), ms);
    });
    const child = start();
    child.on('close', () => done());
  });
}

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
