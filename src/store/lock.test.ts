import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { nodeFs } from './fs-port';
import { lockOwner, releaseLock, takeLock } from './lock';
import { processAlive, thisProcess } from './process-identity';
import { temporaryRoot } from './testing/workspace';

let path: string;
let remove: () => void;

beforeEach(() => {
  const temporary = temporaryRoot();
  path = join(temporary.root, 'lock');
  ({ remove } = temporary);
});
afterEach(() => {
  releaseLock(nodeFs, path);
  remove();
});

it('names its owner, refuses a second taker, and is gone once released', () => {
  takeLock(nodeFs, path, 'a-run');
  expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual(thisProcess());
  expect(lockOwner(nodeFs, path)).toEqual(thisProcess());
  expect(() => takeLock(nodeFs, path, 'a-run')).toThrow(
    expect.objectContaining({ code: 'busy' }) as Error,
  );
  releaseLock(nodeFs, path);
  expect(existsSync(path)).toBe(false);
});

it.each([
  ['a process that has ended', () => ({ pid: spawnSync('true').pid, token: '' })],
  ['a later process with the same id', () => ({ pid: process.ppid, token: 'another start' })],
  ['this process, which does not hold it', () => thisProcess()],
  ['nobody, cut short', () => null],
  ['nobody, of another form', () => ({ owner: 1 })],
])('is taken over from %s', (_, owner) => {
  const text = owner() === null ? '{"pid":1' : JSON.stringify(owner());
  writeFileSync(path, text);
  expect(lockOwner(nodeFs, path)).toBeNull();
  takeLock(nodeFs, path, 'a-run');
  expect(lockOwner(nodeFs, path)).toEqual(thisProcess());
});

it('is not taken from a living process', () => {
  writeFileSync(path, JSON.stringify({ pid: process.ppid, token: '' }));
  expect(() => takeLock(nodeFs, path, 'a-run')).toThrow(/process \d+/);
  expect(readFileSync(path, 'utf8')).toContain(String(process.ppid));
});

it('knows the living from the dead', () => {
  expect(processAlive(thisProcess())).toBe(true);
  expect(processAlive({ pid: process.pid, token: '' })).toBe(true);
  expect(processAlive({ pid: spawnSync('true').pid, token: '' })).toBe(false);
  for (const pid of [0, -1, 1.5, NaN, 2 ** 22 + 1]) {
    expect(processAlive({ pid, token: '' })).toBe(false);
  }
});
