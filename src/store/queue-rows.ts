import { z } from 'zod';
import { RunConfigSchema } from '@shared/config/run-config';
import type { RunConfig } from '@shared/config/run-config';
import type { Setting } from '@shared/config/settings';
import { AppError } from '@shared/errors';
import { AskedSchema, DiffersSchema } from '@shared/protocol/contract-queue';
import type { Asked, JobState } from '@shared/protocol/contract-queue';
import { processAlive } from './process-identity';
import type { ProcessIdentity } from './process-identity';
import { numberIn, textIn } from './sqlite';
import type { Database, Row } from './sqlite';

/**
 * `jobs.job` is AUTOINCREMENT: the number of a job that was cleared is not given again. `pid` and
 * `token` name the process that trains it or has reserved it. `runner` names the process whose queue
 * runs, so that the one that takes over after a crash goes on with it.
 */
const TABLES = `
  CREATE TABLE jobs (
    job INTEGER PRIMARY KEY AUTOINCREMENT, position INTEGER NOT NULL, state TEXT NOT NULL,
    config TEXT NOT NULL, differs TEXT NOT NULL, asked TEXT NOT NULL, sweep TEXT,
    added REAL NOT NULL, changed REAL NOT NULL, run TEXT, problem TEXT, pid INTEGER, token TEXT
  );
  CREATE TABLE runner (
    id INTEGER PRIMARY KEY CHECK (id = 1), pid INTEGER NOT NULL, token TEXT NOT NULL
  );
`;
const VERSION = 1;

/** Makes the tables of an empty file. @throws AppError disk when a later Protodiff made it */
export function prepare(db: Database): void {
  db.exec('PRAGMA synchronous = EXTRA');
  const needed = (): boolean => {
    const version = db.version();
    if (version > VERSION) {
      throw new AppError('disk', 'The queue was written by a later Protodiff.', {
        remedy: 'Open the workspace with that version, or update this one.',
      });
    }
    return version === 0;
  };
  if (!needed()) return;
  db.transaction(() => {
    // Another process may have made them meanwhile.
    if (!needed()) return;
    db.exec(TABLES);
    db.exec(`PRAGMA user_version = ${VERSION}`);
  });
}

const StoredState = z.enum(['queued', 'running', 'done', 'failed', 'cancelled']);

export interface QueuedJob {
  job: number;
  state: JobState;
  /** Null where the settings cannot be read; `problem` says so. */
  config: RunConfig | null;
  differs: Setting[];
  asked: Asked;
  sweep: string | null;
  added: number;
  /** Unix ms of its last change of state. */
  changed: number;
  run: string | null;
  problem: string | null;
  /** Another living process trains it, or has reserved it. */
  elsewhere: boolean;
}

const DAMAGED = 'Its settings in queue.sqlite are damaged.';

/** Configurations never change, so each is parsed once. */
export type ParsedConfigs = Map<number, RunConfig>;

export function jobOf(row: Row, parsed: ParsedConfigs): QueuedJob {
  const job = numberIn(row, 'job');
  const config = parsed.get(job) ?? parse(RunConfigSchema, textIn(row, 'config'));
  const differs = parse(DiffersSchema, textIn(row, 'differs'));
  const asked = parse(AskedSchema, textIn(row, 'asked'));
  const stored = StoredState.safeParse(row.state).data;
  const whole = config !== null && differs !== null && asked !== null && stored !== undefined;
  if (config !== null) parsed.set(job, config);
  return {
    ...{ job, config, differs: differs ?? [], asked: asked ?? { by: 'command line' } },
    state: whole ? stateOf(stored, row) : stored === 'done' ? 'done' : 'failed',
    sweep: textOrNull(row.sweep),
    added: numberIn(row, 'added'),
    changed: numberIn(row, 'changed'),
    run: textOrNull(row.run),
    problem: whole ? textOrNull(row.problem) : DAMAGED,
    elsewhere: (holderOf(row)?.pid ?? process.pid) !== process.pid,
  };
}

function stateOf(stored: z.infer<typeof StoredState>, row: Row): JobState {
  const broken = stored === 'running' && holderOf(row) === null;
  return broken || (stored === 'queued' && row.run !== null) ? 'interrupted' : stored;
}

/** The living process that trains a job or has reserved it. */
export function holderOf({ pid, token }: Row): ProcessIdentity | null {
  if (typeof pid !== 'number' || typeof token !== 'string') return null;
  return processAlive({ pid, token }) ? { pid, token } : null;
}

function parse<T>(schema: z.ZodType<T>, text: string): T | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
  const checked = schema.safeParse(value);
  return checked.success ? checked.data : null;
}

const textOrNull = (value: unknown): string | null => (typeof value === 'string' ? value : null);
