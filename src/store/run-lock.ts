import { backUp } from './backup';
import { guarded } from './disk-error';
import type { FsPort } from './fs-port';
import { releaseLock, takeLock } from './lock';
import { readOrigin } from './origin';
import { readFacts } from './records';
import type { RunFolder } from './run-folder';
import { readKnown, withDatabase } from './run-reader';
import { makeDurable, migrate } from './schema';
import { leaveSummary } from './summary-cache';
import { openDatabase } from './sqlite';
import type { Database } from './sqlite';

/**
 * Opens a run's database for writing: locked, durable, brought up to date. `closeLocked` ends it.
 * @throws AppError busy while another process (or this one) writes it, disk when it is damaged
 */
export function openLocked(fs: FsPort, folder: RunFolder): Database {
  return guarded(`The run ${folder.run} could not be opened`, () => {
    // Looked at before anything is written: a damaged or later run stays as it is.
    readOrigin(fs, folder);
    withDatabase(fs, folder, readFacts);
    const db = openDatabase(folder.database, false);
    let locked = false;
    try {
      makeDurable(db);
      db.transaction(() => {
        takeLock(fs, folder.lock, folder.run);
        locked = true;
      });
      backUp(fs, folder, db);
      migrate(db);
      return db;
    } catch (error) {
      abandon(db, () => locked && releaseLock(fs, folder.lock), error);
      throw error;
    }
  });
}

export function closeLocked(fs: FsPort, folder: RunFolder, db: Database): void {
  try {
    db.close();
  } finally {
    releaseLock(fs, folder.lock);
  }
}

/** Undoes a half-done opening, and keeps the failure that mattered: the first. */
export function abandon(db: Database, unlock: () => unknown, failure: unknown): void {
  try {
    db.close();
    unlock();
  } catch (error) {
    if (failure instanceof Error) failure.cause ??= error;
  }
}

/** Moves the log into the database, so that the folder is whole without it, and leaves the summary. */
export function settle(fs: FsPort, folder: RunFolder, db: Database): void {
  db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  leaveSummary(fs, folder, () => readKnown(fs, folder, '', db));
}

/** One change, whole or not at all, to a run that nobody trains. How it ended stays. */
export function amend(fs: FsPort, folder: RunFolder, act: (db: Database) => void): void {
  const db = openLocked(fs, folder);
  guarded(`The run ${folder.run} could not be changed`, () => {
    try {
      db.transaction(() => act(db));
      settle(fs, folder, db);
    } finally {
      closeLocked(fs, folder, db);
    }
  });
}
