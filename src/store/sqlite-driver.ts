export type SqlValue = number | string | Uint8Array | null;

/** What the two SQLite packages have in common. */
export interface Driver {
  open(path: string, readonly: boolean): RawDatabase;
  /** The error with the name of SQLite's result code as its `code`. */
  named(error: unknown): unknown;
}

export interface RawDatabase {
  /** Under which name this connection knows the file. */
  schema: string;
  exec(sql: string): void;
  prepare(sql: string): RawStatement;
  close(): void;
}

export interface RawStatement {
  run(values: SqlValue[]): void;
  get(values: SqlValue[]): unknown;
  all(values: SqlValue[]): unknown[];
}

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

/** The error with the name of SQLite's result code as its `code`. */
export function withCode(error: unknown, number: number): Error {
  const failure = error instanceof Error ? error : new Error(String(error));
  return Object.assign(failure, { code: CODES[number & 0xff] ?? `SQLITE_${number}` });
}
