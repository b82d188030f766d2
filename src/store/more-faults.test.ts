import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { openStore } from '.';
import { exportRun, importRun } from './bundle';
import type { RunStore, RunWriter } from './port';
import type * as Sqlite from './sqlite';
import type { Database } from './sqlite';
import { everyCall, everyCallOf, FaultyFs, kindsOfFault } from './testing/faulty-fs';
import {
  metricRows,
  ORIGIN,
  samplesAt,
  snapshotAt,
  temporaryRoot,
  tensorsOf,
} from './testing/workspace';

/**
 * The n-th call of the system or statement of SQLite fails, for each n, in what is recorded of a step
 * and in what is done with whole runs: what was there stays or what was asked is done, and no half.
 */
const hook = vi.hoisted(() => ({ statement: (name: string): void => void name }));
vi.mock('./sqlite', async (original) => {
  const real = await original<typeof Sqlite>();
  return {
    ...real,
    openDatabase(path: string, readonly: boolean): Database {
      hook.statement('open');
      const db = real.openDatabase(path, readonly);
      const first = <A extends unknown[], R>(name: string, call: (...values: A) => R) => {
        return (...values: A): R => {
          hook.statement(name);
          return call(...values);
        };
      };
      return {
        ...db,
        exec: first('exec', db.exec),
        copyInto: first('copy', db.copyInto),
        prepare(sql) {
          const { run, get, all } = db.prepare(sql);
          return { run: first(sql, run), get: first(sql, get), all: first(sql, all) };
        },
        transaction: (act) => {
          hook.statement('begin');
          return db.transaction(() => {
            const result = act();
            hook.statement('commit');
            return result;
          });
        },
      };
    },
  };
});

const cases = kindsOfFault(1);

let root: string;
let remove: () => void;
let faults: FaultyFs;
let store: RunStore;
let writer: RunWriter;

beforeEach(() => {
  ({ root, remove } = temporaryRoot());
  faults = new FaultyFs();
  hook.statement = (name) => faults.statement(name);
  store = openStore(root, { fs: faults.port });
  writer = store.create(ORIGIN);
  writer.appendMetrics(metricRows(1, 5));
  writer.writeCheckpoint(5, tensorsOf(5), {}, 3);
  writer.writeSamples(samplesAt(writer.run, 5, 2));
});
afterEach(() => {
  hook.statement = () => undefined;
  store.close();
  remove();
});

/** Beside `run` one more is there whole; after a failure it is that or nothing. Takes it away again. */
function appeared(run: string, failed: boolean): void {
  const more = store.list().filter((each) => each.run !== run);
  if (!failed) expect(more).toHaveLength(1);
  expect(more.length).toBeLessThanOrEqual(1);
  for (const each of more) {
    expect(each.problem).toBeNull();
    expect(store.loadCheckpoint(each.run).step).toBe(5);
    rmSync(join(root, 'runs', each.run), { recursive: true });
  }
}

it.each(cases)('recording steps: $code, for good $forGood', (fault) => {
  let rows = 5;
  everyCall(
    faults,
    fault,
    () => writer.appendMetrics(metricRows(rows + 1, rows + 2)),
    (failed) => {
      if (!failed) rows += 2;
      const { step, values } = store.metrics(writer.run, 0, 1000);
      expect(step.length).toBe(rows);
      expect(values[2 * (rows - 1)]).toBe(1 / rows);
    },
  );
  // A metric that is new makes a column; without it the next row must still fit.
  let extra = 0;
  everyCall(
    faults,
    fault,
    () => {
      const [row] = metricRows(rows + 1, rows + 1);
      const values = { ...row?.values, [`val/loss_${++extra}`]: 1 };
      writer.appendMetrics(metricRows(rows + 1, rows + 1).map((each) => ({ ...each, values })));
    },
    (failed) => {
      if (!failed) rows += 1;
      writer.appendMetrics(metricRows(rows + 1, rows + 1));
      expect(store.metrics(writer.run, 0, 1000).step.length).toBe(++rows);
    },
  );
});

it.each(cases)('journal, events, snapshots, heartbeat: $code, for good $forGood', (fault) => {
  const counts = (): number[] => {
    const { journal, events } = store.read(writer.run);
    return [journal.length, events.length, store.prototypeSteps(writer.run).length];
  };
  const acts: ((n: number) => unknown)[] = [
    (n) => writer.appendJournal({ applied_at_step: n, knob: 'lr', previous: 0, value: n, wall: 0 }),
    () => writer.appendEvent({ wall: 0, step: 1, kind: 'note', message: 'a' }),
    (n) => writer.writePrototypes(snapshotAt(n), 1),
  ];
  for (const [which, act] of acts.entries()) {
    let before = counts();
    everyCall(faults, fault, act, (failed) => {
      const after = counts();
      expect(after).toEqual(before.map((count, i) => count + (i === which && !failed ? 1 : 0)));
      before = after;
    });
  }
  everyCall(
    faults,
    fault,
    (n) => writer.heartbeat({ step: n, paused: false }),
    () => expect(store.list()[0]?.state).toBe('running'),
  );
});

it.each(cases)('ending and taking up: $code, for good $forGood', (fault) => {
  everyCall(
    faults,
    fault,
    () => writer.end('stopped'),
    () => {
      // Ended or not, its lock is given up and it can be taken up again.
      expect(store.list()[0]?.state).toMatch(/stopped|lost|running/);
      store.close();
      writer = store.open(writer.run);
      expect(store.metrics(writer.run, 0, 10).step.length).toBe(5);
      expect(store.loadCheckpoint(writer.run).step).toBe(5);
    },
  );
});

it.each(cases)('names, trash and copies: $code, for good $forGood', (fault) => {
  const { run } = writer;
  writer.release();
  const first = store.list()[0]?.name ?? '';
  let name = first;
  everyCall(
    faults,
    fault,
    (n) => store.shelf.label(run, { name: `Name ${n}` }),
    (failed, n) => {
      const now = store.list()[0]?.name;
      expect(failed ? [name, `Name ${n}`] : [`Name ${n}`]).toContain(now);
      name = now ?? '';
    },
  );
  const places = (): number[] => [store.list().length, store.shelf.trash().length];
  everyCall(
    faults,
    fault,
    () => store.shelf.remove(run),
    (failed) => {
      expect(failed ? [[1, 0].join(), [0, 1].join()] : ['0,1']).toContain(places().join());
      if (places()[1] === 1) store.shelf.restore(run);
    },
  );
  everyCall(
    faults,
    fault,
    () => {
      if (places()[0] === 1) store.shelf.remove(run);
      return store.shelf.restore(run);
    },
    () => {
      if (places()[0] === 0) store.shelf.restore(run);
      expect(places()).toEqual([1, 0]);
      expect(store.loadCheckpoint(run).step).toBe(5);
    },
  );
  everyCall(
    faults,
    fault,
    () => store.shelf.copy(run),
    (failed) => appeared(run, failed),
  );
});

it.each(cases)('notebooks and keys: $code, for good $forGood', (fault) => {
  const { notebooks, keys } = store;
  notebooks.write('A', '{}');
  const all = (): string => [...notebooks.list(), ...notebooks.trash()].map((n) => n.name).join();
  everyCall(
    faults,
    fault,
    () => notebooks.rename('A', 'B'),
    () => {
      expect(['A', 'B']).toContain(all());
      if (all() === 'B') notebooks.rename('B', 'A');
    },
  );
  everyCall(
    faults,
    fault,
    () => notebooks.remove('A'),
    () => {
      expect(all()).toBe('A');
      if (notebooks.trash().length > 0) notebooks.restore('A', 'A');
    },
  );
  everyCall(
    faults,
    fault,
    (n) => keys.write(`{"n":${n}}`),
    (_, n) => {
      expect([null, `{"n":${n - 1}}`, `{"n":${n}}`]).toContain(keys.read());
      keys.write(`{"n":${n}}`);
    },
  );
});

it.each(cases)('export and import: $code, for good $forGood', async (fault) => {
  const { run } = writer;
  writer.release();
  const target = join(root, 'one.tar');
  const { bytes } = await exportRun(root, run, target);
  const kept = join(root, 'kept.tar');
  await exportRun(root, run, kept);
  await everyCallOf(
    faults,
    fault,
    () => exportRun(root, run, target, faults.port),
    () => expect(store.list().map((each) => each.run)).toEqual([run]),
  );
  // Whatever failed, the file under its name is whole.
  await importRun(root, target);
  store.shelf.remove(`${run}-2`);
  await everyCallOf(
    faults,
    fault,
    () => importRun(root, kept, faults.port),
    (failed) => appeared(run, failed),
  );
  expect(bytes).toBeGreaterThan(1000);
  // What could not be removed at once is swept by the next start.
  openStore(root).close();
  expect(readdirSync(join(root, 'runs')).filter((name) => name.startsWith('.'))).toEqual([]);
});
