import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { logTail } from './log-tail';

const workspace = mkdtempSync(join(tmpdir(), 'protodiff-log-'));
afterAll(() => rmSync(workspace, { recursive: true, force: true }));

it('gives the last 200 lines of the log, whole, and none where there is no log', () => {
  expect(logTail(workspace)).toEqual([]);
  mkdirSync(join(workspace, 'logs'));
  const lines = Array.from({ length: 5000 }, (_, n) => `line ${n} ${'x'.repeat(90)}`);
  writeFileSync(join(workspace, 'logs/engine.log'), `${lines.join('\n')}\n`);
  expect(logTail(workspace)).toEqual(lines.slice(-200));
  writeFileSync(join(workspace, 'logs/engine.log'), 'one\ntwo\n');
  expect(logTail(workspace)).toEqual(['one', 'two']);
});
