import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { withCode } from './sqlite-driver';
import type { Driver, RawDatabase, SqlValue } from './sqlite-driver';

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

/** The package libsql, for every other runtime. */
export function libsqlDriver(): Driver {
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
      prepare(sql) {
        const statement = database.prepare(sql);
        return {
          run: (values) => statement.run(values),
          get: (values) => withBytes(statement.get(values)),
          all: (values) => statement.all(values).map(withBytes),
        };
      },
      close: () => database.close(),
    };
  } catch (error) {
    // The only failure here without a code of its own; the message ends in the number.
    const number = /: (\d+)"?\)?$/.exec(error instanceof Error ? error.message : '')?.[1];
    throw withCode(error, Number(number ?? 14));
  }
}

/** libsql gives bytes as a Buffer from `get`, but as an ArrayBuffer from `all`. */
function withBytes(row: unknown): unknown {
  const cells = row as Record<string, unknown> | undefined;
  for (const column in cells) {
    const value = cells[column];
    if (value instanceof ArrayBuffer) cells[column] = new Uint8Array(value);
  }
  return row;
}

interface Reader {
  database: LibsqlDatabase;
  uses: number;
}
const idle: Reader[] = [];
/**
 * Each statement stays on its connection until the garbage collector takes it, and ATTACH and DETACH
 * go through them all: after so many files another connection is cheaper.
 */
const USES = 40;

/**
 * A reader. libsql 0.5 closes a file only when the garbage collector has taken every statement
 * that was prepared on it: a list of 2,000 runs would hold 4,000 files open. So readers attach the
 * file to an in-memory database, which is kept for the next one; DETACH closes at once.
 */
function attached(Constructor: Libsql, path: string): RawDatabase {
  const reader = idle.pop() ?? { database: opened(Constructor, ':memory:'), uses: 0 };
  const { database } = reader;
  const giveBack = (): void => {
    reader.uses += 1;
    if (reader.uses < USES) idle.push(reader);
    else database.close();
  };
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
