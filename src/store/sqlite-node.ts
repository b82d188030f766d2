import { withCode } from './sqlite-driver';
import type { Driver, SqlValue } from './sqlite-driver';

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

/** node:sqlite, where the runtime has it. */
export function nodeDriver(): Driver | undefined {
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
