import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { openLog } from './log';

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'protodiff-log-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it('keeps stacks with their causes', () => {
  const log = openLog(join(folder, 'logs'));
  log.info('starts');
  log.error('broke', new Error('outer', { cause: new Error('inner') }));
  const text = readFileSync(join(folder, 'logs', 'engine.log'), 'utf8');
  expect(text).toMatch(/^\d{4}-.*Z \d+ info starts\n/);
  expect(text).toContain('Error: outer\n    at ');
  expect(text).toContain('caused by: Error: inner\n    at ');
});

it('never grows beyond two files of its size, over restarts too', () => {
  for (let start = 0; start < 5; start += 1) {
    const log = openLog(folder, 2000);
    for (let i = 0; i < 40; i += 1) log.info('x'.repeat(100));
  }
  expect(readdirSync(folder).sort()).toEqual(['engine.log', 'engine.old.log']);
  for (const name of readdirSync(folder)) {
    expect(statSync(join(folder, name)).size).toBeLessThan(2300);
  }
});

it('goes to stderr where the folder cannot be written', () => {
  const file = join(folder, 'file');
  writeFileSync(file, '');
  const said = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  try {
    openLog(file).info('hello');
    expect(said.mock.calls.map(([text]) => String(text)).join('')).toContain('info hello');
  } finally {
    said.mockRestore();
  }
});
