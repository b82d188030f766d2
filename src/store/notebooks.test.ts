import { mkdirSync, readdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
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
  expect(notebooks.read('first').json).toBe('{"cells":[2]}');
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
  expect(notebooks.read(name).json).toBe('[]');
});

it('refuses what is not JSON or too long, and keeps what was there', () => {
  notebooks.write('one', '{"a":1}');
  expect(() => notebooks.write('one', '{"a":')).toThrow(withCode('bad_message'));
  expect(() => notebooks.write('one', `"${'x'.repeat(4_000_000)}"`)).toThrow(/4000002 bytes/);
  expect(notebooks.read('one').json).toBe('{"a":1}');
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

it('refuses to write over what was changed elsewhere', () => {
  const seen = notebooks.write('one', '{"a":1}', null);
  const again = notebooks.write('one', '{"a":2}', seen);
  const path = join(root, 'notebooks', 'one.json');
  writeFileSync(path, '{"theirs":1}');
  utimesSync(path, again / 1000 + 5, again / 1000 + 5);
  expect(() => notebooks.write('one', '{"a":3}', again)).toThrow(withCode('conflict'));
  expect(() => notebooks.write('one', '{"a":3}', null)).toThrow(/was changed elsewhere/);
  const { json, modified } = notebooks.read('one');
  expect(json).toBe('{"theirs":1}');
  // The same words from two windows: the second has nothing to write.
  expect(notebooks.write('one', '{"theirs":1}', again)).toBe(modified);
  notebooks.write('one', '{"a":3}', modified);
  notebooks.remove('one');
  expect(() => notebooks.write('one', '{"a":4}', modified)).toThrow(/is gone/);
  notebooks.write('one', '{"a":4}');
  expect(notebooks.read('one').json).toBe('{"a":4}');
});

it('renames, and never over another', () => {
  notebooks.write('one', '[1]');
  notebooks.write('two', '[2]');
  expect(() => notebooks.rename('one', 'two')).toThrow(/already/);
  expect(() => notebooks.rename('one', '../up')).toThrow(withCode('bad_message'));
  expect(() => notebooks.rename('none', 'three')).toThrow(withCode('not_found'));
  notebooks.rename('one', 'three');
  expect(notebooks.list().map(({ name }) => name)).toEqual(['three', 'two']);
  expect(notebooks.read('three').json).toBe('[1]');
});

it('deletes into the trash, from where every one can be restored', () => {
  const long = 'x'.repeat(120);
  notebooks.write('one', '[1]');
  notebooks.write(long, '[3]');
  const first = notebooks.remove('one');
  notebooks.write('one', '[2]');
  const second = notebooks.remove('one');
  const third = notebooks.remove(long);
  expect(notebooks.list()).toEqual([]);
  expect(
    notebooks
      .trash()
      .map(({ name }) => name)
      .sort(),
  ).toEqual([first, second, third].sort());
  notebooks.restore(second, 'one');
  expect(notebooks.read('one').json).toBe('[2]');
  expect(() => notebooks.restore(first, 'one')).toThrow(/already/);
  notebooks.restore(first, 'one again');
  expect(notebooks.read('one again').json).toBe('[1]');
  expect(() => notebooks.restore('../notebooks/one', 'x')).toThrow(withCode('bad_message'));
});

it("keeps a person's own keys", () => {
  const { keys } = openStore(root);
  expect(keys.read()).toBeNull();
  keys.write('{"undo":["U"]}');
  expect(openStore(root).keys.read()).toBe('{"undo":["U"]}');
});
