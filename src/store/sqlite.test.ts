import { existsSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDatabase } from './sqlite';
import { temporaryRoot } from './testing/workspace';

let root: string;
let path: string;
let remove: () => void;

beforeEach(() => {
  ({ root, remove } = temporaryRoot());
  // What a home directory may hold.
  path = join(root, 'a b ü%20?#.sqlite');
});
afterEach(() => remove());

const withCode = (code: string): Error =>
  expect.objectContaining({ code: expect.stringContaining(code) as string }) as Error;

function fill(): void {
  const db = openDatabase(path, false);
  db.exec('PRAGMA journal_mode = WAL');
  db.exec('CREATE TABLE things (id INTEGER PRIMARY KEY, value)');
  const insert = db.prepare('INSERT INTO things (value) VALUES (?)');
  db.transaction(() =>
    [1.5, 'text', null, Uint8Array.of(1, 2), 2 ** 50].forEach((v) => insert.run(v)),
  );
  db.close();
}

describe('a database', () => {
  it('keeps numbers, text, nothing and bytes', () => {
    fill();
    const db = openDatabase(path, true);
    const values = db
      .prepare('SELECT value FROM things ORDER BY id')
      .all()
      .map((row) => row.value);
    expect(values.map((value) => (value instanceof Uint8Array ? [...value] : value))).toEqual([
      1.5,
      'text',
      null,
      [1, 2],
      2 ** 50,
    ]);
    expect(db.prepare('SELECT value FROM things WHERE id = ?').get(2)?.value).toBe('text');
    expect(db.prepare('SELECT value FROM things WHERE id = ?').get(99)).toBeUndefined();
    db.close();
  });

  it('undoes a transaction that throws, and goes on', () => {
    fill();
    const db = openDatabase(path, false);
    const count = (): unknown => db.prepare('SELECT count(*) AS n FROM things').get()?.n;
    const act = (): void => {
      db.exec('DELETE FROM things');
      throw new Error('on purpose');
    };
    expect(() => db.transaction(act)).toThrow('on purpose');
    expect(count()).toBe(5);
    expect(db.transaction(() => count())).toBe(5);
    db.close();
  });

  it('opened for reading neither writes nor creates', () => {
    expect(() => openDatabase(path, true)).toThrow(withCode('SQLITE_CANTOPEN'));
    expect(existsSync(path)).toBe(false);
    fill();
    const db = openDatabase(path, true);
    expect(() => db.exec('DELETE FROM things')).toThrow(withCode('SQLITE_READONLY'));
    db.close();
  });

  it('names its failures', () => {
    writeFileSync(path, 'no database, but text of some length '.repeat(50));
    expect(() => openDatabase(path, true).prepare('SELECT * FROM things').all()).toThrow(
      withCode('SQLITE_NOTADB'),
    );
    expect(() => openDatabase(join(root, 'none', 'a'), false)).toThrow(withCode('SQLITE_CANTOPEN'));
  });

  it('allows readers beside each other, and leaves no file open behind them', () => {
    fill();
    for (let round = 0; round < 50; round++) {
      const one = openDatabase(path, true);
      const two = openDatabase(path, true);
      for (const db of [one, two]) {
        expect(db.prepare('SELECT count(*) AS n FROM things').get()?.n).toBe(5);
        expect(db.version()).toBe(0);
        db.close();
      }
    }
    if (process.platform !== 'linux') return;
    const open = readdirSync('/proc/self/fd').filter((fd) => target(fd).startsWith(root));
    // libsql keeps the writer's own files until its statements are collected.
    expect(open.length).toBeLessThan(10);
  });
});

/** What a descriptor names; '' for the one that read the folder, which is closed by now. */
function target(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return '';
    throw error;
  }
}
