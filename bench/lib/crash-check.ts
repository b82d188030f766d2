import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '@shared/errors';
import { openStore } from '../../src/store';
import { openDatabase } from '../../src/store/sqlite';

/** What a process said before it was killed, and those before it of the same run. */
export interface Promised {
  run: string;
  /** The loss that was delivered with each step. */
  losses: Map<number, number>;
  /** The newest checkpoint that was acknowledged, and the newest `sample_every`; 0: none. */
  checkpoint: number;
  knob: number;
}

export interface Found {
  /** In words what was lost, damaged or missing; none is the promise. */
  problems: string[];
  /** Acknowledged steps that are not there. */
  lost: number;
  /** Files, rows or a database that cannot be read as they were written. */
  corrupt: number;
  /** Steps missing or doubled within the series. */
  gaps: number;
  /** Time to open the workspace, list its runs and read this one, ms. */
  open_ms: number;
  steps: number;
}

/** Opens the workspace as the next start would, and compares it with what was promised. */
export function examine(root: string, promised: Promised): Found {
  const found: Found = { problems: [], lost: 0, corrupt: 0, gaps: 0, open_ms: 0, steps: 0 };
  const began = performance.now();
  const store = openStore(root, { readonly: true });
  const { run } = promised;
  try {
    const summary = store.list().find((each) => each.run === run);
    const { checkpoints, knobs } = store.read(run);
    const { keys, step, values } = store.metrics(run, 0, 1e9);
    found.open_ms = performance.now() - began;
    found.steps = step.length;
    if (summary === undefined || summary.problem !== null) {
      corrupt(found, `the list says of it: ${summary?.problem ?? 'nothing'}`);
    }
    const folder = join(root, 'runs', run);
    // What was put aside before a migration is whole as well, or not there.
    for (const file of readdirSync(folder).filter((name) => /^run\b.*\.sqlite$/.test(name))) {
      checkDatabase(found, join(folder, file));
    }
    step.forEach((at, row) => {
      if (at === row + 1) return;
      found.gaps += 1;
      found.problems.push(`row ${row} is of step ${at}`);
    });
    const loss = keys.indexOf('train/loss');
    for (const [at, value] of promised.losses) {
      if (Object.is(values[(at - 1) * keys.length + loss], value)) continue;
      found.lost += 1;
      found.problems.push(`step ${at} was acknowledged with another loss, or is gone`);
    }
    if ((checkpoints.at(-1)?.step ?? 0) < promised.checkpoint) {
      found.lost += 1;
      found.problems.push(`the checkpoint at step ${promised.checkpoint} is gone`);
    }
    if (promised.knob > 0 && knobs.sample_every < promised.knob) {
      found.lost += 1;
      found.problems.push(`the change of a knob to ${promised.knob} is gone`);
    }
    for (const each of checkpoints) {
      whole(found, () => store.loadCheckpoint(run, each.step));
    }
    for (const at of store.sampleSteps(run)) whole(found, () => store.loadSamples(run, at));
  } catch (error) {
    found.open_ms ||= performance.now() - began;
    corrupt(found, AppError.from(error).message);
  } finally {
    store.close();
  }
  return found;
}

/** Files that no row names, once a writer has opened the run and so swept it. */
export function leftovers(root: string, run: string): string[] {
  const store = openStore(root, { readonly: true });
  const { checkpoints } = store.read(run);
  const named = [
    ...checkpoints.map(({ file }) => file),
    ...store.sampleSteps(run).map((step) => `samples/step_${String(step).padStart(8, '0')}.png`),
  ];
  store.close();
  return ['checkpoints', 'samples']
    .flatMap((folder) => readdirSync(join(root, 'runs', run, folder)).map((f) => `${folder}/${f}`))
    .filter((file) => !named.includes(file));
}

/** Tables of version 2 of the schema, from which every later one is made. */
const OF_VERSION_2 =
  'metrics metric_blocks journal events checkpoints samples heartbeat ending prototypes probe prototype_labels sqlite_sequence';

/** Takes the store of a run that nobody writes back to version 2 of the schema. */
export function olden(path: string): void {
  const db = openDatabase(path, false);
  const tables = db.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all();
  for (const { name } of tables) {
    if (!OF_VERSION_2.split(' ').includes(String(name))) db.exec(`DROP TABLE "${String(name)}"`);
  }
  const columns = db.prepare('PRAGMA table_info(prototypes)').all();
  if (columns.some(({ name }) => name === 'ids')) db.exec('ALTER TABLE prototypes DROP COLUMN ids');
  db.exec('PRAGMA user_version = 2');
  db.close();
}

export function versionOf(path: string): number {
  const db = openDatabase(path, true);
  const version = db.version();
  db.close();
  return version;
}

function checkDatabase(found: Found, path: string): void {
  const db = openDatabase(path, true);
  const row = db.prepare('PRAGMA integrity_check').get();
  db.close();
  if (row?.integrity_check !== 'ok') corrupt(found, `integrity_check: ${JSON.stringify(row)}`);
}

function whole(found: Found, read: () => unknown): void {
  try {
    read();
  } catch (error) {
    corrupt(found, AppError.from(error).message);
  }
}

function corrupt(found: Found, problem: string): void {
  found.corrupt += 1;
  found.problems.push(problem);
}
