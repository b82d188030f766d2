import { libsqlDriver } from './sqlite-libsql';
import { nodeDriver } from './sqlite-node';
import type { Driver, SqlValue } from './sqlite-driver';

export type { SqlValue };
export type Row = Record<string, SqlValue>;

/** SQLite as the store uses it. Errors carry `code`, a name such as SQLITE_FULL. */
export interface Database {
  exec(sql: string): void;
  prepare(sql: string): Statement;
  /** All of `act` or nothing of it; durable when it returns. Takes the write lock at once. */
  transaction<T>(act: () => T): T;
  /** The number that the schema keeps in the file's header; 0 in an empty file. */
  version(): number;
  /** All of it, as one transaction sees it, into a new file. */
  copyInto(path: string): void;
  close(): void;
}

export interface Statement {
  run(...values: SqlValue[]): void;
  get(...values: SqlValue[]): Row | undefined;
  all(...values: SqlValue[]): Row[];
}

/** How long a statement waits for another process's transaction before SQLITE_BUSY. */
const BUSY_MS = 5000;

let chosen: Driver | undefined;

/**
 * Opens an existing database, or creates an empty one unless `readonly`. The driver is node:sqlite
 * where the runtime has it (Node 22.13 or later) and libsql elsewhere, loaded on the first call.
 */
export function openDatabase(path: string, readonly: boolean): Database {
  chosen ??= nodeDriver() ?? libsqlDriver();
  return wrap(chosen, path, readonly);
}

function wrap(driver: Driver, path: string, readonly: boolean): Database {
  const named = <T>(act: () => T): T => {
    try {
      return act();
    } catch (error) {
      throw driver.named(error);
    }
  };
  const raw = named(() => driver.open(path, readonly));
  const exec = (sql: string): void => named(() => raw.exec(sql));
  try {
    exec(`PRAGMA busy_timeout = ${BUSY_MS}`);
  } catch (error) {
    raw.close();
    throw error;
  }
  return {
    exec,
    prepare(sql) {
      const statement = named(() => raw.prepare(sql));
      return {
        run: (...values) => named(() => statement.run(values)),
        get: (...values) => named(() => statement.get(values) as Row | undefined),
        all: (...values) => named(() => statement.all(values) as Row[]),
      };
    },
    transaction(act) {
      exec('BEGIN IMMEDIATE');
      try {
        const result = act();
        exec('COMMIT');
        return result;
      } catch (error) {
        undo(exec, error);
        throw error;
      }
    },
    version() {
      const row = named(() => raw.prepare(`PRAGMA ${raw.schema}.user_version`).get([]));
      return numberIn(row as Row | undefined, 'user_version');
    },
    copyInto(path) {
      named(() => raw.prepare(`VACUUM ${raw.schema} INTO ?`).run([path]));
    },
    close: () => raw.close(),
  };
}

/** After some errors (a full disk) SQLite has rolled back by itself; then there is nothing to undo. */
function undo(exec: (sql: string) => void, failure: unknown): void {
  try {
    exec('ROLLBACK');
  } catch (error) {
    const gone = error instanceof Error && error.message.includes('no transaction is active');
    if (!gone && failure instanceof Error) failure.cause ??= error;
  }
}

/** A column that the schema makes a number; anything else is a damaged database. */
export function numberIn(row: Row | undefined, column: string): number {
  const value = row?.[column];
  if (typeof value !== 'number') throw damaged(column, 'a number');
  return value;
}

export function textIn(row: Row | undefined, column: string): string {
  const value = row?.[column];
  if (typeof value !== 'string') throw damaged(column, 'text');
  return value;
}

function damaged(column: string, expected: string): Error {
  return Object.assign(new Error(`column ${column} does not hold ${expected}`), {
    code: 'SQLITE_CORRUPT',
  });
}
