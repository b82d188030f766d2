import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { compile } from 'svelte/compiler';
import { expect, it } from 'vitest';
import { plain } from './icons.mjs';

const FOLDER = 'node_modules/@lucide/svelte/dist/icons';

it('makes plain markup of an icon of the library', () => {
  const code = plain(readFileSync(join(FOLDER, 'maximize.svelte'), 'utf8'), 'maximize.svelte');
  expect(code).toContain('<path d="M8 3H5a2 2 0 0 0-2 2v3" />');
  expect(code).toContain('viewBox="0 0 24 24"');
  const { js, warnings } = compile(code, { generate: 'client' });
  expect(js.code).not.toContain('svelte:element');
  expect(warnings).toEqual([]);
});

it('knows every icon of the library', () => {
  const files = readdirSync(FOLDER).filter((file) => file.endsWith('.svelte'));
  expect(files.length).toBeGreaterThan(1000);
  for (const file of files) {
    expect(plain(readFileSync(join(FOLDER, file), 'utf8'), file)).toMatch(/<svg class="lucide/);
  }
});

it('says where it cannot read one', () => {
  expect(() => plain('<svg />', 'odd.svelte')).toThrow('odd.svelte has no drawing');
});
