import { KNOB_NAMES } from '@shared/config/knobs';
import type { KnobName, Knobs } from '@shared/config/knobs';
import type { Checkpoint, JournalEntry, RunEvent } from '@shared/protocol/contract';
import type { EndState, Halving, Resume } from './port';
import { lastStep } from './metrics';
import { STORE_FILE } from './run-folder';
import { numberIn, textIn } from './sqlite';
import type { Database, Row } from './sqlite';

export const END_STATES = ['finished', 'stopped', 'failed', 'released'] as const;

/** `released`: the writer closed without an end, so the run can be continued. */
export type Ending = { state: EndState | 'released'; problem: string | null; step: number };

export interface Heartbeat {
  pid: number;
  token: string;
  step: number;
  paused: boolean;
  wall: number;
}

/** What a run's state is derived from; the clock and the list of processes come on top. */
export interface Facts {
  ending: Ending | null;
  heartbeat: Heartbeat | null;
  /** Completed steps, as far as anything tells. */
  step: number;
  lastCheckpoint: number | null;
}

export function readFacts(db: Database): Facts {
  const ending = readEnding(db);
  const heartbeat = readHeartbeat(db);
  const newest = db.prepare('SELECT max(step) AS step FROM checkpoints').get();
  return {
    ending,
    heartbeat,
    step: Math.max(0, lastStep(db), heartbeat?.step ?? 0),
    lastCheckpoint: newest?.step === null ? null : numberIn(newest, 'step'),
  };
}

function readEnding(db: Database): Ending | null {
  const row = db.prepare('SELECT * FROM ending').get();
  if (row === undefined) return null;
  const state = END_STATES.find((known) => known === row.state) ?? 'failed';
  const problem = typeof row.problem === 'string' ? row.problem : null;
  return { state, problem, step: numberIn(row, 'step') };
}

function readHeartbeat(db: Database): Heartbeat | null {
  const row = db.prepare('SELECT * FROM heartbeat').get();
  if (row === undefined) return null;
  return {
    pid: numberIn(row, 'pid'),
    token: textIn(row, 'token'),
    step: numberIn(row, 'step'),
    paused: numberIn(row, 'paused') !== 0,
    wall: numberIn(row, 'wall'),
  };
}

export function writeEnding(db: Database, ending: Ending, wall: number): void {
  const { state, problem, step } = ending;
  db.prepare('INSERT OR REPLACE INTO ending VALUES (1, ?, ?, ?, ?)').run(
    state,
    problem,
    step,
    wall,
  );
}

export function writeHeartbeat(db: Database, beat: Heartbeat): void {
  const { pid, token, step, paused, wall } = beat;
  db.prepare('INSERT OR REPLACE INTO heartbeat VALUES (1, ?, ?, ?, ?, ?)').run(
    pid,
    token,
    step,
    paused ? 1 : 0,
    wall,
  );
}

/** In the order of `seq`. */
export function readJournal(db: Database): JournalEntry[] {
  const rows = db.prepare('SELECT * FROM journal ORDER BY seq').all();
  return rows.map((row) => ({
    seq: numberIn(row, 'seq'),
    applied_at_step: numberIn(row, 'applied_at_step'),
    knob: knobIn(row),
    previous: numberIn(row, 'previous'),
    value: numberIn(row, 'value'),
    wall: numberIn(row, 'wall'),
  }));
}

function knobIn(row: Row): KnobName {
  const name = textIn(row, 'knob');
  const knob = KNOB_NAMES.find((known) => known === name);
  if (knob !== undefined) return knob;
  throw Object.assign(new Error(`there is no knob ${name}`), { code: 'SQLITE_CORRUPT' });
}

/** The knobs after all of `journal`. */
export function knobsAfter(start: Knobs, journal: JournalEntry[]): Knobs {
  const knobs = { ...start };
  for (const { knob, value } of journal) knobs[knob] = value;
  return knobs;
}

export function insertJournal(db: Database, entry: Omit<JournalEntry, 'seq'>): JournalEntry {
  const { applied_at_step, knob, previous, value, wall } = entry;
  const row = db
    .prepare(
      'INSERT INTO journal (applied_at_step, knob, previous, value, wall) VALUES (?, ?, ?, ?, ?) RETURNING seq',
    )
    .get(applied_at_step, knob, previous, value, wall);
  return { seq: numberIn(row, 'seq'), applied_at_step, knob, previous, value, wall };
}

/** In the order they were written. */
export function readEvents(db: Database): RunEvent[] {
  const rows = db.prepare('SELECT * FROM events ORDER BY id').all();
  return rows.map((row) => ({
    wall: numberIn(row, 'wall'),
    step: numberIn(row, 'step'),
    kind: textIn(row, 'kind') as RunEvent['kind'],
    message: textIn(row, 'message'),
  }));
}

export function insertEvent(db: Database, { wall, step, kind, message }: RunEvent): void {
  db.prepare('INSERT INTO events (wall, step, kind, message) VALUES (?, ?, ?, ?)').run(
    wall,
    step,
    kind,
    message,
  );
}

/** The first version of the schema that has them. */
const RESUMES_SINCE = 3;

/** In the order they were written. */
export function readResumes(db: Database): Resume[] {
  if (db.version() < RESUMES_SINCE) return [];
  const rows = db.prepare('SELECT * FROM resumes ORDER BY id').all();
  return rows.map((row) => ({
    wall: numberIn(row, 'wall'),
    step: numberIn(row, 'step'),
    file: textIn(row, 'file'),
    saved: textIn(row, 'saved'),
    began: textIn(row, 'began'),
    saved_next: row.saved_next === null ? null : textIn(row, 'saved_next'),
    began_next: textIn(row, 'began_next'),
  }));
}

export function insertResume(db: Database, resume: Resume): void {
  const { wall, step, file, saved, began, saved_next, began_next } = resume;
  db.prepare(
    'INSERT INTO resumes (wall, step, file, saved, began, saved_next, began_next) VALUES (?, ?, ?, ?, ?, ?, ?)',
  ).run(wall, step, file, saved, began, saved_next, began_next);
}

/** The first version of the schema that has them. */
const HALVINGS_SINCE = 5;

/** In the order they were made. */
export function readHalvings(db: Database): Halving[] {
  if (db.version() < HALVINGS_SINCE) return [];
  const rows = db.prepare('SELECT * FROM halvings ORDER BY id').all();
  return rows.map((row) => ({
    wall: numberIn(row, 'wall'),
    step: numberIn(row, 'step'),
    parts: numberIn(row, 'parts'),
  }));
}

export function insertHalving(db: Database, { wall, step, parts }: Halving): void {
  db.prepare('INSERT INTO halvings (wall, step, parts) VALUES (?, ?, ?)').run(wall, step, parts);
}

/** A row names only files such as the store makes: nothing outside the run is read or removed. */
function fileIn(row: Row, folder: string): string {
  const file = textIn(row, 'file');
  const [first, name = '', ...more] = file.split('/');
  if (first === folder && STORE_FILE.test(name) && more.length === 0) return file;
  throw Object.assign(new Error(`no file is called ${file}`), { code: 'SQLITE_CORRUPT' });
}

/** Oldest first. `file` is relative to the run's folder, with forward slashes. */
export function readCheckpoints(db: Database): Checkpoint[] {
  const rows = db.prepare('SELECT * FROM checkpoints ORDER BY step').all();
  return rows.map((row) => ({
    step: numberIn(row, 'step'),
    file: fileIn(row, 'checkpoints'),
    sha256: textIn(row, 'sha256'),
    bytes: numberIn(row, 'bytes'),
    wall: numberIn(row, 'wall'),
  }));
}

/** Samples by step, oldest first. */
export function readSamples(db: Database): { step: number; file: string }[] {
  const rows = db.prepare('SELECT step, file FROM samples ORDER BY step').all();
  return rows.map((row) => ({ step: numberIn(row, 'step'), file: fileIn(row, 'samples') }));
}
