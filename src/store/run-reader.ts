import type { RunSummary } from '@shared/protocol/contract';
import { guarded } from './disk-error';
import { exists } from './fs-port';
import type { FsPort } from './fs-port';
import { readRunLabels } from './labels';
import { readOrigin } from './origin';
import { processAlive } from './process-identity';
import { readFacts } from './records';
import type { Facts } from './records';
import type { RunFolder } from './run-folder';
import { versionOf } from './schema';
import { findIndex, findSummary, leaveIndex, stampOf } from './summary-cache';
import type { Known, RunIndex } from './summary-cache';
import { openDatabase } from './sqlite';
import type { Database } from './sqlite';

/** A process that has not written its heartbeat for this long no longer trains. */
export const HEARTBEAT_MS = 10_000;

/** So many runs read one by one are worth an index. */
const INDEX_FROM = 50;

/**
 * Calls `act` with a read-only connection to the run's database.
 * @throws AppError disk when the database is missing, damaged or of a later version
 */
export function withDatabase<T>(fs: FsPort, folder: RunFolder, act: (db: Database) => T): T {
  return guarded(`The run ${folder.run} could not be read`, () => {
    // A stat first: its ENOENT says more than SQLite's CANTOPEN.
    fs.stat(folder.database);
    const db = openDatabase(folder.database, true);
    try {
      if (versionOf(db) === 0) throw emptied();
      return act(db);
    } finally {
      db.close();
    }
  });
}

/** A run's database is never empty: its folder appears with the tables made. */
function emptied(): Error {
  return Object.assign(new Error('the database is empty'), { code: 'SQLITE_CORRUPT' });
}

/**
 * What the disk says about a run.
 * @param stamp  `stampOf` the run from before it is read
 * @throws AppError disk when the run is damaged
 */
export function readKnown(fs: FsPort, folder: RunFolder, stamp: string, db?: Database): Known {
  const { name, created, colour, config, data, parent = null } = readOrigin(fs, folder);
  const card = {
    name,
    created,
    colour,
    steps: config.training.steps,
    preset: config.preset,
    data: data.name,
    parent,
  };
  const { labels, problem } = readRunLabels(fs, folder);
  const facts =
    db === undefined
      ? withDatabase(fs, folder, readFacts)
      : guarded(`The run ${folder.run} could not be read`, () => readFacts(db));
  return { stamp, card, labels, problem, facts };
}

/**
 * Summaries for the list of runs. What the disk says about a run is remembered until its files
 * change; the state is derived anew each time, from the clock and the processes that live.
 */
export class Summaries {
  readonly #known = new Map<string, Known>();
  #index: RunIndex | null = null;
  /** Runs that were read anew since the index was left. */
  #fresh = 0;

  /**
   * @param index   path of the workspace's index of runs
   * @param leaves  whether it may be written
   */
  constructor(
    private readonly fs: FsPort,
    private readonly clock: () => number,
    private readonly index: string,
    private readonly leaves: boolean,
  ) {}

  /** After a list of `runs`: leaves an index of them, if reading them took long enough to matter. */
  settle(runs: readonly string[]): void {
    if (!this.leaves || this.#fresh < INDEX_FROM) return;
    const known = runs.flatMap((run) => {
      const each = this.#known.get(run);
      return each === undefined ? [] : [[run, each] as const];
    });
    leaveIndex(this.fs, this.index, new Map(known));
    this.#fresh = 0;
  }

  /** `db`: the writer's own connection, where this process writes the run. */
  summary(folder: RunFolder, db: Database | undefined): RunSummary {
    const { card, labels, problem, facts } = this.#read(folder, db);
    const state = stateOf(facts, this.clock(), db !== undefined);
    return {
      run: folder.run,
      ...card,
      ...labels,
      name: labels.name ?? card.name,
      ...state,
      problem: state.problem ?? problem,
      step: facts.ending?.step ?? facts.step,
      last_checkpoint: facts.lastCheckpoint,
    };
  }

  /** Whether it was read before, now or by an earlier process; it may have changed since. */
  has({ run }: RunFolder): boolean {
    this.#index ??= findIndex(this.fs, this.index);
    return this.#known.has(run) || this.#index.has(run);
  }

  facts(folder: RunFolder, db: Database | undefined): Facts {
    return this.#read(folder, db).facts;
  }

  #read(folder: RunFolder, db: Database | undefined): Known {
    // What changes with each step is not remembered.
    if (db !== undefined) return readKnown(this.fs, folder, '', db);
    const stamp = guarded(`The run ${folder.run} could not be read`, () =>
      stampOf(this.fs, folder),
    );
    const known = this.#known.get(folder.run);
    if (known?.stamp === stamp) return known;
    this.#index ??= findIndex(this.fs, this.index);
    const indexed = this.#index.get(folder.run);
    const read =
      indexed?.stamp === stamp
        ? indexed
        : (findSummary(this.fs, folder, stamp) ?? readKnown(this.fs, folder, stamp));
    if (read !== indexed) this.#fresh += 1;
    this.#known.set(folder.run, read);
    return read;
  }
}

/**
 * How a run stands. An end that was recorded counts; else a living process with a fresh heartbeat
 * trains it (`ours`: this one, however long its present step takes); else it is lost. A run whose
 * writer closed without an end can be continued, and is `stopped` until then.
 */
function stateOf(
  { ending, heartbeat }: Facts,
  now: number,
  ours: boolean,
): Pick<RunSummary, 'state' | 'problem'> {
  if (ending !== null) {
    return {
      state: ending.state === 'released' ? 'stopped' : ending.state,
      problem: ending.problem,
    };
  }
  const fresh =
    heartbeat !== null &&
    (ours || (now - heartbeat.wall < HEARTBEAT_MS && processAlive(heartbeat)));
  if (!fresh) return { state: 'lost', problem: null };
  return { state: heartbeat.paused ? 'paused' : 'running', problem: null };
}

/** Whether a folder is a run at all, rather than something that a person put there. */
export function looksLikeRun(fs: FsPort, folder: RunFolder): boolean {
  return exists(fs, folder.origin) || exists(fs, folder.database);
}
