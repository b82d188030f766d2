import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

export type SqlValue = number | string | Uint8Array | null;
export type Row = Record<string, SqlValue>;

/** SQLite as the store uses it. Errors carry `code`, a name such as SQLITE_FULL. */
export interface Database {
  exec(sql: string): void;
  prepare(sql: string): Statement;
  /** All of `act` or nothing of it; durable when it returns. Takes the write lock at once. */
  transaction<T>(act: () => T): T;
  /** The number that the schema keeps in the file's header; 0 in an empty file. */
  version(): number;
  close(): void;
}

export interface Statement {
  run(...values: SqlValue[]): void;
  get(...values: SqlValue[]): Row | undefined;
  all(...values: SqlValue[]): Row[];
}

interface Driver {
  open(path: string, readonly: boolean): RawDatabase;
  /** The error with its `code` as above. */
  named(error: unknown): unknown;
}

interface RawDatabase {
  /** Under which name this connection knows the file. */
  schema: string;
  exec(sql: string): void;
  prepare(sql: string): RawStatement;
  close(): void;
}

interface RawStatement {
  run(values: SqlValue[]): void;
  get(values: SqlValue[]): unknown;
  all(values: SqlValue[]): unknown[];
}

interface NodeStatement {
  run(...values: SqlValue[]): unknown;
  get(...values: SqlValue[]): unknown;
  all(...values: SqlValue[]): unknown[];
}

interface NodeSqlite {
  DatabaseSync: new (
    path: string,
    options: { readOnly: boolean },
  ) => { exec(sql: string): void; prepare(sql: string): NodeStatement; close(): void };
}

/** libsql takes the values as one array. */
interface LibsqlStatement {
  run(values: SqlValue[]): unknown;
  get(values: SqlValue[]): unknown;
  all(values: SqlValue[]): unknown[];
}

interface LibsqlDatabase {
  exec(sql: string): void;
  prepare(sql: string): LibsqlStatement;
  close(): void;
}

type Libsql = new (path: string) => LibsqlDatabase;

// Primary result codes, https://www.sqlite.org/rescode.html, that the store tells apart.
const CODES: Record<number, string> = {
  1: 'SQLITE_ERROR',
  3: 'SQLITE_PERM',
  5: 'SQLITE_BUSY',
  6: 'SQLITE_LOCKED',
  8: 'SQLITE_READONLY',
  10: 'SQLITE_IOERR',
  11: 'SQLITE_CORRUPT',
  13: 'SQLITE_FULL',
  14: 'SQLITE_CANTOPEN',
  26: 'SQLITE_NOTADB',
};

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

function nodeDriver(): Driver | undefined {
  // getBuiltinModule: asks without throwing, and bundlers leave it alone. Absent before Node 20.16.
  const find = (process as { getBuiltinModule?: (name: string) => unknown }).getBuiltinModule;
  const sqlite = find?.('node:sqlite') as NodeSqlite | undefined;
  if (sqlite === undefined) return undefined;
  return {
    open(path, readonly) {
      const database = new sqlite.DatabaseSync(path, { readOnly: readonly });
      return {
        schema: 'main',
        exec: (sql) => database.exec(sql),
        prepare(sql) {
          const statement = database.prepare(sql);
          return {
            run: (values) => void statement.run(...values),
            get: (values) => statement.get(...values),
            all: (values) => statement.all(...values),
          };
        },
        close: () => database.close(),
      };
    },
    named(error) {
      const code = (error as { errcode?: unknown } | null)?.errcode;
      return typeof code === 'number' ? withCode(error, code) : error;
    },
  };
}

function libsqlDriver(): Driver {
  const Constructor = createRequire(import.meta.url)('libsql') as Libsql;
  return {
    open: (path, readonly) =>
      readonly ? attached(Constructor, path) : { schema: 'main', ...opened(Constructor, path) },
    named: (error) => error,
  };
}

function opened(Constructor: Libsql, path: string): LibsqlDatabase {
  try {
    const database = new Constructor(path);
    return {
      exec: (sql) => database.exec(sql),
      prepare: (sql) => database.prepare(sql),
      close: () => database.close(),
    };
  } catch (error) {
    // The only failure here without a code of its own; the message ends in the number.
    const number = /: (\d+)"?\)?$/.exec(error instanceof Error ? error.message : '')?.[1];
    throw withCode(error, Number(number ?? 14));
  }
}

const idle: LibsqlDatabase[] = [];

/**
 * A reader. libsql 0.5 closes a file only when the garbage collector has taken every statement
 * that was prepared on it: a list of 2,000 runs would hold 4,000 files open. So readers attach the
 * file to an in-memory database, which is kept for the next one; DETACH closes at once.
 */
function attached(Constructor: Libsql, path: string): RawDatabase {
  const database = idle.pop() ?? opened(Constructor, ':memory:');
  const giveBack = (): void => void idle.push(database);
  try {
    // libsql has no read-only option either, but passes SQLite's URIs on.
    database.prepare('ATTACH ? AS run').run([`${pathToFileURL(path).href}?mode=ro`]);
  } catch (error) {
    giveBack();
    throw error;
  }
  return {
    schema: 'run',
    exec: (sql) => database.exec(sql),
    prepare: (sql) => database.prepare(sql),
    close() {
      database.exec('DETACH run');
      giveBack();
    },
  };
}

function withCode(error: unknown, number: number): Error {
  const failure = error instanceof Error ? error : new Error(String(error));
  return Object.assign(failure, { code: CODES[number & 0xff] ?? `SQLITE_${number}` });
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
