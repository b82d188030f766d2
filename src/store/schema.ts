import { AppError } from '@shared/errors';
import type { Database } from './sqlite';

/**
 * Step n takes a database from version n to n + 1; `PRAGMA user_version` says where one stands.
 * A released step is never edited: a change of the schema is a new step.
 *
 * `metrics` gains one column per metric key when the key is first written, so that any SQLite
 * client reads `SELECT step, "train/loss" FROM metrics`. Rows are numbered from 0 without gaps.
 * `metric_blocks` repeats whole runs of rows in packed form (see metrics.ts) and may be emptied.
 * `journal.seq` is AUTOINCREMENT: a number dropped by a rewind is not given again.
 * `prototypes` holds little-endian arrays: `bank` [k, dim] float32, `features` [n, dim] float16,
 * `assignment` [n] int32, `usage` [k] float32, `ids` [k] int32 or NULL for 0 … k - 1; `probe` the n
 * images they are of, int32 each. `acts.saved` are the rows that an act changed, as they were before:
 * [rows, 4, dim] float32, of parameters, both moments and average.
 *
 * A run is brought up to date when it is opened for writing; readers take each version as it is.
 */
const MIGRATIONS: ((db: Database) => void)[] = [
  (db) =>
    db.exec(`
      CREATE TABLE metrics (
        row INTEGER PRIMARY KEY, step INTEGER NOT NULL, wall REAL NOT NULL, active REAL NOT NULL
      );
      CREATE TABLE metric_blocks (
        block INTEGER PRIMARY KEY, columns INTEGER NOT NULL, data BLOB NOT NULL
      );
      CREATE TABLE journal (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, applied_at_step INTEGER NOT NULL,
        knob TEXT NOT NULL, previous REAL NOT NULL, value REAL NOT NULL, wall REAL NOT NULL
      );
      CREATE TABLE events (
        id INTEGER PRIMARY KEY, wall REAL NOT NULL, step INTEGER NOT NULL, kind TEXT NOT NULL,
        message TEXT NOT NULL
      );
      CREATE TABLE checkpoints (
        step INTEGER PRIMARY KEY, file TEXT NOT NULL, sha256 TEXT NOT NULL,
        bytes INTEGER NOT NULL, wall REAL NOT NULL
      );
      CREATE TABLE samples (step INTEGER PRIMARY KEY, file TEXT NOT NULL, wall REAL NOT NULL);
      CREATE TABLE heartbeat (
        id INTEGER PRIMARY KEY CHECK (id = 1), pid INTEGER NOT NULL, token TEXT NOT NULL,
        step INTEGER NOT NULL, paused INTEGER NOT NULL, wall REAL NOT NULL
      );
      CREATE TABLE ending (
        id INTEGER PRIMARY KEY CHECK (id = 1), state TEXT NOT NULL, problem TEXT,
        step INTEGER NOT NULL, wall REAL NOT NULL
      );
    `),
  (db) =>
    db.exec(`
      CREATE TABLE prototypes (
        step INTEGER PRIMARY KEY, wall REAL NOT NULL, k INTEGER NOT NULL, dim INTEGER NOT NULL,
        bank BLOB NOT NULL, features BLOB NOT NULL, assignment BLOB NOT NULL, usage BLOB NOT NULL,
        assignments INTEGER NOT NULL, perplexity REAL, churn REAL, purity REAL, nmi REAL, swaps TEXT
      );
      CREATE TABLE probe (
        id INTEGER PRIMARY KEY CHECK (id = 1), images BLOB NOT NULL, labels BLOB,
        classes TEXT NOT NULL
      );
      CREATE TABLE prototype_labels (
        prototype INTEGER PRIMARY KEY, name TEXT NOT NULL, colour INTEGER
      );
    `),
  (db) =>
    db.exec(`
      CREATE TABLE resumes (
        id INTEGER PRIMARY KEY, wall REAL NOT NULL, step INTEGER NOT NULL, file TEXT NOT NULL,
        saved TEXT NOT NULL, began TEXT NOT NULL, saved_next TEXT, began_next TEXT NOT NULL
      );
    `),
  (db) =>
    db.exec(`
      CREATE TABLE acts (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, applied_at_step INTEGER NOT NULL,
        act TEXT NOT NULL, saved BLOB NOT NULL, wall REAL NOT NULL
      );
      ALTER TABLE prototypes ADD COLUMN ids BLOB;
    `),
  (db) =>
    db.exec(`
      CREATE TABLE halvings (
        id INTEGER PRIMARY KEY, wall REAL NOT NULL, step INTEGER NOT NULL, parts INTEGER NOT NULL
      );
    `),
];

export const SCHEMA_VERSION = MIGRATIONS.length;

/**
 * @returns the schema version of a database, 0 for an empty one
 * @throws AppError disk when a later Protodiff made it
 */
export function versionOf(db: Database): number {
  const version = db.version();
  if (version > SCHEMA_VERSION) {
    throw new AppError(
      'disk',
      `The run was written by a later Protodiff (its store has version ${version}, this one knows ${SCHEMA_VERSION}).`,
      { remedy: 'Open it with that version, or update this one.' },
    );
  }
  return version;
}

/** Brings the schema up to date, all of it or nothing. The caller is the only writer. */
export function migrate(db: Database): void {
  const version = versionOf(db);
  if (version === SCHEMA_VERSION) return;
  db.transaction(() => {
    for (const step of MIGRATIONS.slice(version)) step(db);
    db.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`);
  });
}

/** A commit is on the disk when it returns, and readers are never blocked. */
export function makeDurable(db: Database): void {
  db.exec('PRAGMA journal_mode = WAL');
  db.exec('PRAGMA synchronous = FULL');
}
