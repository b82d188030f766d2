import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it, vi } from 'vitest';
import { openStore } from '.';
import type { RunStore, RunWriter } from './port';
import { spaced } from './retention';
import type * as Sqlite from './sqlite';
import type { Database } from './sqlite';
import { olderRun } from './testing/older';
import { PLAIN, tornBy } from './testing/disk';
import type { Found } from './testing/disk';
import { SEED, seeded } from './testing/random';
import { Recorder } from './testing/recorder';
import { metricRows, ORIGIN, samplesAt, snapshotAt, tensorsOf } from './testing/workspace';

/**
 * The power goes at any moment of a short life of a workspace, and what was not synced is lost, torn
 * or there: each time the store opens to a state that was said to be legal beforehand, the one that
 * the last call left or one that the call in the making may leave. STATES=2000 is the whole of it.
 */
const STATES = Number(process.env.STATES ?? 200);
const WHOLE = 2000;
/** Random losses at each moment, beside the four plain ones. */
const TORN = Math.ceil(Math.max(STATES, WHOLE) / 200);

const hook = vi.hoisted(() => ({ database: (path: string): void => void path }));
vi.mock('./sqlite', async (original) => {
  const real = await original<typeof Sqlite>();
  return {
    ...real,
    openDatabase(path: string, readonly: boolean): Database {
      const db = real.openDatabase(path, readonly);
      const told = <T>(result: T): T => {
        hook.database(path);
        return result;
      };
      if (readonly) {
        const copyInto = (to: string): void => {
          db.copyInto(to);
          hook.database(to);
        };
        return { ...db, copyInto };
      }
      let within = false;
      return {
        ...db,
        exec: (sql) => (within ? db.exec(sql) : told(db.exec(sql))),
        prepare(sql) {
          const statement = db.prepare(sql);
          const run = (...values: Parameters<typeof statement.run>): void => {
            statement.run(...values);
            if (!within) hook.database(path);
          };
          const get: typeof statement.get = (...values) => {
            const row = statement.get(...values);
            return within ? row : told(row);
          };
          return { ...statement, run, get };
        },
        transaction(act) {
          within = true;
          try {
            return db.transaction(act);
          } finally {
            within = false;
            hook.database(path);
          }
        },
        close: () => told(db.close()),
      };
    },
  };
});

/** All that is promised of a run once a call has returned. */
interface Run {
  state: string;
  name: string | null;
  steps: number;
  checkpoints: number[];
  samples: number[];
  prototypes: number[];
  journal: number;
  events: number;
}
interface Legal {
  /** In the order they were made. */
  runs: Run[];
  trash: number;
  notebooks: Record<string, string>;
  keys: string | null;
}
type Change = (legal: Legal) => void;

const place = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
const base = mkdtempSync(join(place, 'protodiff-power-'));
afterAll(() => rmSync(base, { recursive: true, force: true }));

const NEW: Run = {
  ...{ state: 'lost', name: null, steps: 0, checkpoints: [], samples: [], prototypes: [] },
  ...{ journal: 0, events: 0 },
};
const LATER = 4e12;

/** What a run shows; throws where anything that it lists cannot be read whole. */
function look(store: RunStore, run: string): Omit<Run, 'state' | 'name'> {
  const { checkpoints, journal, events } = store.read(run);
  const { step, values, keys } = store.metrics(run, 0, 1e6);
  const loss = keys.indexOf('train/loss');
  const wrong = step.findIndex(
    (at, row) => at !== row + 1 || values[row * keys.length + loss] !== 1 / at,
  );
  if (wrong >= 0) throw new Error(`row ${wrong} is not of its step`);
  // Each is read against its SHA-256.
  for (const each of checkpoints) store.loadCheckpoint(run, each.step);
  const samples = store.sampleSteps(run);
  for (const at of samples) store.loadSamples(run, at);
  const prototypes = store.prototypeSteps(run).map((each) => each.step);
  for (const at of prototypes) store.loadPrototypes(run, at);
  return {
    ...{ samples, prototypes, steps: step.length },
    checkpoints: checkpoints.map((each) => each.step),
    ...{ journal: journal.length, events: events.length },
  };
}

function seen(store: RunStore, lookAt: typeof look): Legal {
  const runs = [...store.list()].reverse().map(({ run, name, state, problem }): Run => {
    if (problem !== null) throw new Error(problem);
    return { ...lookAt(store, run), state, name: name === 'Mine' ? name : null };
  });
  const notebooks = store.notebooks.list().map(({ name }) => name);
  return {
    runs,
    trash: store.shelf.trash().length,
    notebooks: Object.fromEntries(notebooks.map((name) => [name, store.notebooks.read(name).json])),
    keys: store.keys.read(),
  };
}

/** Of bytes that are the same object, computed once. */
const sums = new WeakMap<Buffer, string>();
function sumOf(bytes: Buffer | null): string {
  if (bytes === null) return '';
  const sum = sums.get(bytes) ?? createHash('sha1').update(bytes).digest('hex');
  sums.set(bytes, sum);
  return sum;
}
/** A sum of all that is found below a path. */
function sumBelow(found: Found, path: string): string {
  const lines = [...found].filter(([name]) => name.startsWith(path));
  return lines.map(([name, bytes]) => `${name} ${sumOf(bytes)}`).join('\n');
}

/** What was seen of a run's folder, which does not depend on what is beside it. */
const known = new Map<string, Omit<Run, 'state' | 'name'>>();

/** The store on a disk that was found so; `further`: then it is written, which sweeps what was left. */
function reopened(found: Found, further: boolean): Legal {
  const root = join(base, 'after');
  rmSync(root, { recursive: true, force: true });
  mkdirSync(root);
  for (const [path, bytes] of found) {
    if (bytes === null) mkdirSync(join(root, path));
    else writeFileSync(join(root, path), bytes);
  }
  const reader = openStore(root, { readonly: true, clock: () => LATER });
  const legal = seen(reader, (store, run) => {
    const sum = sumBelow(found, `runs/${run}/`);
    const looked = known.get(sum) ?? look(store, run);
    known.set(sum, looked);
    return looked;
  });
  reader.close();
  if (!further) return legal;
  const store = openStore(root, { clock: () => LATER });
  for (const { run } of store.list()) {
    const steps = store.metrics(run, 0, 1e6).step.length;
    const writer = store.open(run);
    writer.appendMetrics(metricRows(steps + 1, steps + 1));
    const next = Math.max(steps, ...store.read(run).checkpoints.map(({ step }) => step)) + 1;
    writer.writeCheckpoint(next, tensorsOf(next), {}, 1);
    writer.end('stopped');
    const named = store.read(run).checkpoints.map(({ file }) => file.split('/')[1]);
    expect(readdirSync(join(root, 'runs', run, 'checkpoints')).sort()).toEqual(named.sort());
  }
  const after = seen(store, look);
  expect(after.runs.map(({ steps }) => steps)).toEqual(legal.runs.map(({ steps }) => steps + 1));
  store.close();
  return legal;
}

it(`leaves a legal state, wherever the power goes (seed ${SEED})`, () => {
  const random = seeded(SEED);
  const root = join(base, 'before');
  mkdirSync(root);
  const old = olderRun(root, 1);

  let legal: Legal[] = [];
  let doing = '';
  const states = new Set<string>();
  let moments = 0;
  const happened = (what: string): void => {
    moments += 1;
    const losses = recorder.disk.settled ? PLAIN.slice(0, 1) : [...PLAIN, ...torn()];
    for (const [n, loss] of losses.entries()) {
      const found = recorder.disk.after(loss);
      const state = `${doing}\n${sumBelow(found, '')}`;
      if (states.has(state) || random(WHOLE) >= STATES) continue;
      states.add(state);
      const where = `${doing}, after its ${what} (moment ${moments}, loss ${n})`;
      try {
        expect(legal).toContainEqual(reopened(found, states.size % 20 === 0));
      } catch (error) {
        throw new Error(`${where}: ${error instanceof Error ? error.message : ''}`, {
          cause: error,
        });
      }
    }
  };
  const torn = (): ReturnType<typeof tornBy>[] =>
    Array.from({ length: TORN }, () => tornBy(random));
  const recorder = new Recorder(root, happened);
  hook.database = (path) => recorder.database(path);

  let now = Date.UTC(2026, 5, 1);
  const store = openStore(root, { fs: recorder.port, clock: () => (now += 1000) });
  let last = seen(openStore(root, { readonly: true, clock: () => LATER }), look);
  /** Each of `changes` may be there when the power goes during `act`, all of them after it. */
  const act = <T>(what: string, changes: Change[], does: () => T): T => {
    doing = what;
    legal = [last];
    for (const each of changes) {
      last = JSON.parse(JSON.stringify(last)) as Legal;
      each(last);
      legal.push(last);
    }
    const result = does();
    legal = [last];
    happened('end');
    return result;
  };
  const run = (n: number, does: (run: Run) => void): Change => {
    return ({ runs }) => does(runs[n] ?? { ...NEW });
  };

  const train = (n: number, writer: RunWriter, from: number, to: number): void => {
    act(`${from} to ${to}`, [run(n, (each) => (each.steps = to))], () =>
      writer.appendMetrics(metricRows(from, to)),
    );
    const stays = (each: Run): void => {
      const stay = spaced(each.checkpoints, 1);
      each.checkpoints = each.checkpoints.filter((step) => stay.has(step));
    };
    act(`checkpoint ${to}`, [run(n, (each) => each.checkpoints.push(to)), run(n, stays)], () =>
      writer.writeCheckpoint(to, tensorsOf(to), {}, 1),
    );
    act(`samples ${to}`, [run(n, (each) => each.samples.push(to))], () =>
      writer.writeSamples(samplesAt(writer.run, to, 2)),
    );
  };
  const ends = (n: number, state: string): Change => run(n, (each) => (each.state = state));

  const save = (name: string, json: string): void =>
    act(`save ${name}`, [({ notebooks }) => (notebooks[name] = json)], () => {
      store.notebooks.write(name, json);
    });
  save('A', '{"version":1}');
  act('keys', [(all) => (all.keys = '{}')], () => store.keys.write('{}'));

  const writer = act('create', [({ runs }) => runs.push({ ...NEW })], () => store.create(ORIGIN));
  act('journal', [run(1, (each) => (each.journal += 1))], () =>
    writer.appendJournal({ applied_at_step: 1, knob: 'lr', previous: 0, value: 1, wall: 0 }),
  );
  act('event', [run(1, (each) => (each.events += 1))], () =>
    writer.appendEvent({ wall: 0, step: 0, kind: 'note', message: 'note' }),
  );
  for (const to of [5, 10, 15, 20, 25, 30]) train(1, writer, to - 4, to);
  act('prototypes', [run(1, (each) => each.prototypes.push(30))], () =>
    writer.writePrototypes(snapshotAt(30), 10),
  );
  act('samples again', [], () => writer.writeSamples(samplesAt(writer.run, 30, 3)));
  const back: Change = run(1, (each) => {
    each.steps = 20;
    each.checkpoints = each.checkpoints.filter((step) => step <= 20);
    each.samples = each.samples.filter((step) => step <= 20);
    each.prototypes = [];
  });
  act('rewind', [back], () => writer.rewindTo(20));
  train(1, writer, 21, 24);
  act('label', [run(1, (each) => (each.name = 'Mine'))], () =>
    store.shelf.label(writer.run, { name: 'Mine' }),
  );
  act('stop', [ends(1, 'stopped')], () => writer.end('stopped'));
  const again = act('continue', [ends(1, 'lost')], () => store.open(writer.run));
  train(1, again, 25, 26);
  act('release', [ends(1, 'stopped')], () => again.release());

  // Brought up to date from the first version of the schema.
  const migrated = act('migrate', [ends(0, 'lost')], () => store.open(old));
  train(0, migrated, 6, 7);
  act('finish', [ends(0, 'finished')], () => migrated.end('finished'));

  const first = store.loadCheckpoint(writer.run);
  const { sha256 } = store.read(writer.run).checkpoints.at(-1) ?? { sha256: '' };
  const parent = { run: writer.run, step: first.step, sha256 };
  const child = act('branch', [({ runs }) => runs.push({ ...NEW, checkpoints: [26] })], () =>
    store.create({ ...ORIGIN, parent }, first),
  );
  act('release the branch', [ends(2, 'stopped')], () => child.release());
  act('copy', [({ runs }) => runs.push({ ...(runs[2] ?? NEW) })], () =>
    store.shelf.copy(child.run),
  );

  const gone = last.runs[2] ?? NEW;
  const toTrash: Change = (all) => {
    all.runs.splice(2, 1);
    all.trash += 1;
  };
  const trashed = act('delete', [toTrash], () => store.shelf.remove(child.run));
  const fromTrash: Change = (all) => {
    all.runs.splice(2, 0, gone);
    all.trash -= 1;
  };
  act('restore', [fromTrash], () => store.shelf.restore(trashed));

  save('A', '{"version":2}');
  const rename: Change = ({ notebooks }) => {
    notebooks.B = notebooks.A ?? '';
    delete notebooks.A;
  };
  act('rename', [rename], () => store.notebooks.rename('A', 'B'));
  act('delete B', [({ notebooks }) => void delete notebooks.B], () => store.notebooks.remove('B'));
  act('close', [], () => store.close());

  hook.database = () => undefined;
  console.log(`power loss: ${states.size} states at ${moments} moments (seed ${SEED})`);
  expect(states.size).toBeGreaterThanOrEqual(STATES < WHOLE ? STATES / 2 : STATES);
}, 120_000);
