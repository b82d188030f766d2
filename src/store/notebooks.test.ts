import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openStore } from '.';
import type { NotebookStore } from './port';
import { temporaryRoot } from './testing/workspace';

let root: string;
let remove: () => void;
let notebooks: NotebookStore;

beforeEach(() => {
  ({ root, remove } = temporaryRoot());
  ({ notebooks } = openStore(root));
});
afterEach(() => remove());

const withCode = (code: string): Error => expect.objectContaining({ code }) as Error;

it('keeps notebooks as plain files and lists them by name', () => {
  expect(notebooks.list()).toEqual([]);
  const modified = notebooks.write('Zweite Sitzung', '{"cells":[]}');
  notebooks.write('first', '{"cells":[1]}');
  notebooks.write('first', '{"cells":[2]}');
  expect(readdirSync(join(root, 'notebooks')).sort()).toEqual([
    'Zweite Sitzung.json',
    'first.json',
  ]);
  expect(notebooks.list().map(({ name }) => name)).toEqual(['Zweite Sitzung', 'first']);
  expect(notebooks.list()[0]?.modified).toBe(modified);
  expect(notebooks.read('first')).toBe('{"cells":[2]}');
});

it.each([
  '',
  '.hidden',
  '..',
  '../up',
  'a/b',
  'a\\b',
  'a\0b',
  'a\nb',
  'trailing.',
  ' blank',
  'con',
  'NUL.txt',
  'a:b',
  'x'.repeat(121),
  '漢'.repeat(100),
])('refuses the name %j', (name) => {
  expect(() => notebooks.write(name, '{}')).toThrow(withCode('bad_message'));
  expect(() => notebooks.read(name)).toThrow(withCode('bad_message'));
  expect(notebooks.list()).toEqual([]);
});

it.each(['a.b', 'Größe 2', '漢字', 'x'.repeat(120), 'console'])('accepts the name %j', (name) => {
  notebooks.write(name, '[]');
  expect(notebooks.list().map((notebook) => notebook.name)).toEqual([name]);
  expect(notebooks.read(name)).toBe('[]');
});

it('refuses what is not JSON or too long, and keeps what was there', () => {
  notebooks.write('one', '{"a":1}');
  expect(() => notebooks.write('one', '{"a":')).toThrow(withCode('bad_message'));
  expect(() => notebooks.write('one', `"${'x'.repeat(4_000_000)}"`)).toThrow(/4000002 bytes/);
  expect(notebooks.read('one')).toBe('{"a":1}');
});

it('says what is wrong with a notebook that is missing, damaged or no file', () => {
  expect(() => notebooks.read('none')).toThrow(withCode('not_found'));
  mkdirSync(join(root, 'notebooks', 'folder.json'), { recursive: true });
  writeFileSync(join(root, 'notebooks', 'cut.json'), '{"cells"');
  writeFileSync(join(root, 'secret.json'), '{"token":1}');
  symlinkSync(join(root, 'secret.json'), join(root, 'notebooks', 'link.json'));
  expect(() => notebooks.read('folder')).toThrow(withCode('not_found'));
  expect(() => notebooks.read('link')).toThrow(withCode('not_found'));
  expect(() => notebooks.read('cut')).toThrow(/not whole JSON/);
  expect(notebooks.list().map(({ name }) => name)).toEqual(['cut']);
});
