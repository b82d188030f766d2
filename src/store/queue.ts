import { join } from 'node:path';
import type { RunConfig } from '@shared/config/run-config';
import type { Setting } from '@shared/config/settings';
import { AppError } from '@shared/errors';
import type { Asked } from '@shared/protocol/contract-queue';
import { diskError } from './disk-error';
import { codeOf, statOrNull } from './fs-port';
import type { FsPort } from './fs-port';
import { thisProcess } from './process-identity';
import { holderOf, jobOf, prepare } from './queue-rows';
import type { ParsedConfigs, QueuedJob } from './queue-rows';
import { runId } from './run-name';
import { numberIn, openDatabase } from './sqlite';
import type { Database, Row } from './sqlite';

export type { QueuedJob };

/** By the notebook of a name; a damaged row is nobody's, and stays as it is. */
const ASKED_BY = `CASE WHEN json_valid(asked) THEN json_extract(asked, '$.notebook') END = ?`;

/** Jobs that wait, at most. */
export const MAX_WAITING = 1000;

/**
 * The workspace's queue, `queue.sqlite`. Every call is one transaction: whole or not at all,
 * durable when it returns, and taken by one process at a time, so no job is ever taken twice.
 */
export interface QueueStore {
  /** What trains first, what waits in its order, then what has ended, the latest first. */
  list(): QueuedJob[];
  add(
    jobs: readonly { config: RunConfig; differs: Setting[] }[],
    options: { asked: Asked; sweep: boolean; reserve: boolean },
  ): { jobs: number[]; sweep: string | null };
  /** The next job, now running in this process: one that broke off first. Null when none waits. */
  take(sweep?: string): QueuedJob | null;
  /** The run that a job which this process has taken is trained as. */
  began(job: number, run: string): void;
  /** A run is taken up: the job that it belongs to runs in this process again. */
  adopt(run: string): QueuedJob | null;
  end(job: number, state: 'done' | 'failed' | 'cancelled', problem: string | null): void;
  /** Back to the head of the queue, to go on later. */
  putBack(job: number): void;
  move(job: number, before: number | null): void;
  /** Returns those that waited, and now do not. */
  remove(jobs: readonly number[]): number[];
  restore(jobs: readonly number[]): void;
  /** @param goOn  its run is continued, else it begins anew */
  retry(job: number, goOn: boolean): void;
  /** A notebook has another name: so have the jobs that were queued from it. */
  renamed(from: string, to: string): void;
  /** A notebook of that name was made: jobs that a former one queued are not its own. */
  disown(notebook: string): void;
  /** Jobs that this process has reserved are anybody's. */
  free(): void;
  clear(): number;
  /** Says that this process's queue runs, or that it does no more. */
  setRunner(runs: boolean): void;
  /** Whether the queue of this process, alive or dead, was running. */
  ranBy(pid: number): boolean;
  /** Another one after every change by anybody. */
  stamp(): string;
}

/** @param runOf  the run that was made for a job since that time, Unix ms */
export function queueStore(
  fs: FsPort,
  root: string,
  clock: () => number,
  needWritable: () => void,
  runOf: (job: number, since: number) => string | null,
): QueueStore {
  const file = join(root, 'queue.sqlite');
  const parsed: ParsedConfigs = new Map();

  function open<T>(what: string, act: (db: Database) => T): T {
    try {
      const db = openDatabase(file, false);
      try {
        prepare(db);
        return act(db);
      } finally {
        db.close();
      }
    } catch (error) {
      throw queueError(what, error);
    }
  }
  /** Nothing is created where there is no queue yet. */
  function read<T>(act: (db: Database) => T, none: T): T {
    return statOrNull(fs, file) === null ? none : open('The queue could not be read', act);
  }
  function write<T>(act: (db: Database) => T): T {
    needWritable();
    return open('The queue could not be changed', (db) => db.transaction(() => act(db)));
  }
  const rows = (db: Database): Row[] =>
    db.prepare('SELECT * FROM jobs ORDER BY position, job').all();
  const edge = (db: Database, which: 'MIN' | 'MAX'): number =>
    numberIn(db.prepare(`SELECT coalesce(${which}(position), 0) AS edge FROM jobs`).get(), 'edge');
  const set = (
    db: Database,
    job: number,
    columns: Record<string, string | number | null>,
  ): void => {
    const all = { ...columns, changed: clock() };
    const names = Object.keys(all).map((name) => `${name} = ?`);
    db.prepare(`UPDATE jobs SET ${names.join(', ')} WHERE job = ?`).run(...Object.values(all), job);
  };
  const one = (db: Database, job: number): QueuedJob => {
    const row = db.prepare('SELECT * FROM jobs WHERE job = ?').get(job);
    if (row !== undefined) return jobOf(row, parsed);
    throw new AppError('not_found', `There is no job ${job} in the queue.`, {
      remedy: 'List them with: protodiff queue list',
    });
  };
  const { pid, token } = thisProcess();
  const FREE = { pid: null, token: null };

  return {
    list: () =>
      read((db) => {
        const all = rows(db).map((row) => jobOf(row, parsed));
        const ended = all.filter(({ state }) => rank(state) === 3).sort(latest);
        const live = all.filter(({ state }) => rank(state) < 3);
        return [...live.sort((a, b) => rank(a.state) - rank(b.state)), ...ended];
      }, []),
    add: (jobs, { asked, sweep, reserve }) => {
      needWritable();
      fs.mkdirs(root);
      return write((db) => {
        const waiting = rows(db).filter(({ state }) => state === 'queued').length;
        if (waiting + jobs.length > MAX_WAITING) {
          throw new AppError('wrong_state', `${waiting} jobs wait already; ${MAX_WAITING} may.`, {
            remedy: 'Remove some first.',
          });
        }
        const id = sweep ? freeSweep(db, clock()) : null;
        const insert = db.prepare(
          `INSERT INTO jobs (position, state, config, differs, asked, sweep, added, changed, pid, token)
           VALUES (?, 'queued', ?, ?, ?, ?, ?, ?, ?, ?) RETURNING job`,
        );
        const holder = reserve ? [pid, token] : [null, null];
        let position = edge(db, 'MAX');
        const added = jobs.map(({ config, differs }) => {
          position += 1;
          const texts = [config, differs, asked].map((value) => JSON.stringify(value));
          const row = insert.get(position, ...texts, id, clock(), clock(), ...holder);
          return numberIn(row, 'job');
        });
        return { jobs: added, sweep: id };
      });
    },
    take: (sweep) => {
      if (statOrNull(fs, file) === null) return null;
      return write((db) => {
        const brokenOff = (row: Row): boolean => row.state === 'running' && holderOf(row) === null;
        const free = rows(db).filter((row) => row.state === 'queued' || brokenOff(row));
        free.sort((a, b) => Number(brokenOff(b)) - Number(brokenOff(a)));
        for (const row of free) {
          const found = jobOf(row, parsed);
          if (found.elsewhere || (sweep !== undefined && found.sweep !== sweep)) continue;
          if (found.config === null || found.state === 'failed') {
            set(db, found.job, { ...FREE, state: 'failed', problem: found.problem });
            continue;
          }
          // It may have died between making the run and saying so here.
          const run =
            found.run ?? (row.state === 'running' ? runOf(found.job, found.changed) : null);
          set(db, found.job, { state: 'running', run, pid, token, problem: null });
          return { ...found, run, state: 'running', problem: null };
        }
        return null;
      });
    },
    began: (job, run) => write((db) => set(db, job, { run })),
    adopt: (run) => {
      if (statOrNull(fs, file) === null) return null;
      return write((db) => {
        const row = db.prepare('SELECT * FROM jobs WHERE run = ? ORDER BY job DESC').get(run);
        if (row === undefined || !['queued', 'running'].includes(String(row.state))) return null;
        const found = jobOf(row, parsed);
        set(db, found.job, { state: 'running', pid, token, problem: null });
        return { ...found, state: 'running' };
      });
    },
    end: (job, state, problem) => write((db) => set(db, job, { ...FREE, state, problem })),
    putBack: (job) =>
      write((db) => set(db, job, { ...FREE, state: 'queued', position: edge(db, 'MIN') - 1 })),
    move: (job, before) =>
      write((db) => {
        if (job === before) return;
        // Removed ones keep their place among the others, for when they are restored.
        const kept = rows(db).filter(({ state }) => state === 'queued' || state === 'cancelled');
        const ids = kept.map((row) => numberIn(row, 'job'));
        for (const id of [job, ...(before === null ? [] : [before])]) needWaiting(one(db, id));
        const others = ids.filter((id) => id !== job);
        others.splice(before === null ? others.length : others.indexOf(before), 0, job);
        const first = edge(db, 'MIN');
        const place = db.prepare('UPDATE jobs SET position = ? WHERE job = ?');
        others.forEach((id, i) => place.run(first + i, id));
      }),
    remove: (jobs) =>
      write((db) =>
        jobs.filter((job) => {
          const { state } = one(db, job);
          if (state === 'running')
            throw new AppError('wrong_state', `Job ${job} is training.`, {
              remedy: 'Stop it first.',
            });
          if (rank(state) === 3) return false;
          set(db, job, { ...FREE, state: 'cancelled', problem: null });
          return true;
        }),
      ),
    restore: (jobs) =>
      write((db) => {
        for (const job of jobs) {
          if (one(db, job).state === 'cancelled') set(db, job, { state: 'queued', problem: null });
        }
      }),
    retry: (job, goOn) =>
      write((db) => {
        const { state, run, config } = one(db, job);
        if (rank(state) < 3 || config === null) {
          throw new AppError('wrong_state', `Job ${job} has not ended: there is nothing to retry.`);
        }
        const position = edge(db, 'MAX') + 1;
        set(db, job, { state: 'queued', run: goOn ? run : null, problem: null, position });
      }),
    renamed: (from, to) => {
      if (statOrNull(fs, file) === null) return;
      const put = `UPDATE jobs SET asked = json_set(asked, '$.notebook', ?) WHERE ${ASKED_BY}`;
      write((db) => void db.prepare(put).run(to, from));
    },
    disown: (notebook) => {
      if (statOrNull(fs, file) === null) return;
      const drop = `UPDATE jobs SET asked = json_remove(asked, '$.notebook') WHERE ${ASKED_BY}`;
      write((db) => void db.prepare(drop).run(notebook));
    },
    free: () => {
      if (statOrNull(fs, file) === null) return;
      write((db) => {
        db.prepare(
          `UPDATE jobs SET pid = NULL, token = NULL WHERE state = 'queued' AND pid = ? AND token = ?`,
        ).run(pid, token);
      });
    },
    clear: () =>
      statOrNull(fs, file) === null
        ? 0
        : write((db) => {
            const gone = rows(db).filter((row) => rank(jobOf(row, parsed).state) === 3);
            for (const row of gone) {
              db.prepare('DELETE FROM jobs WHERE job = ?').run(numberIn(row, 'job'));
            }
            return gone.length;
          }),
    setRunner: (runs) => {
      if (statOrNull(fs, file) === null) return;
      write((db) => {
        if (runs) db.prepare('INSERT OR REPLACE INTO runner VALUES (1, ?, ?)').run(pid, token);
        else db.prepare('DELETE FROM runner WHERE pid = ? AND token = ?').run(pid, token);
      });
    },
    ranBy: (other) =>
      read((db) => db.prepare('SELECT pid FROM runner').get()?.pid === other, false),
    stamp: () => {
      try {
        const stat = statOrNull(fs, file);
        return stat === null ? '' : `${stat.mtimeMs} ${stat.size} ${stat.ino}`;
      } catch (error) {
        // It is looked at again and again; who reads the queue is told what is wrong.
        return codeOf(error);
      }
    },
  };
}

/** A job that has ended waits again: a run that was stopped goes on, else a new one begins. */
export function retryJob(
  store: { queue: QueueStore; list(): { run: string; state: string }[] },
  job: number,
): void {
  const run = store.queue.list().find((each) => each.job === job)?.run ?? null;
  const state = store.list().find((each) => each.run === run)?.state;
  store.queue.retry(job, state === 'stopped' || state === 'lost');
}

/** Training, waiting, ended: 3 for all that has ended. */
function rank(state: QueuedJob['state']): number {
  return state === 'running' ? 0 : state === 'interrupted' ? 1 : state === 'queued' ? 2 : 3;
}

const latest = (a: QueuedJob, b: QueuedJob): number => b.changed - a.changed || b.job - a.job;

function needWaiting({ job, state }: QueuedJob): void {
  if (state === 'queued' || state === 'interrupted') return;
  throw new AppError('wrong_state', `Job ${job} does not wait any more.`, {
    remedy: 'Only jobs that wait can be moved.',
  });
}

/** `sweep-20260131-120000`, the time in UTC. */
function freeSweep(db: Database, wall: number): string {
  const taken = new Set(
    db
      .prepare('SELECT DISTINCT sweep FROM jobs')
      .all()
      .map(({ sweep }) => sweep),
  );
  const base = `sweep-${runId(wall, '').slice(0, -1)}`;
  let name = base;
  for (let n = 2; taken.has(name); n += 1) name = `${base}-${n}`;
  return name;
}

function queueError(what: string, error: unknown): AppError {
  const code = codeOf(error);
  if (!code.startsWith('SQLITE_CORRUPT') && !code.startsWith('SQLITE_NOTADB'))
    return diskError(what, error);
  return new AppError('disk', `${what}: queue.sqlite is damaged.`, {
    remedy: 'Move that file out of the workspace to begin an empty queue; no run is affected.',
    cause: error,
  });
}
