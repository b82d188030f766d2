import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { folderBytes, readJson, sizeOf, withLock, writeJson } from './files.mjs';

let folder;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'protodiff-files-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('files', () => {
  it('reads back what it wrote and leaves no temporary file', () => {
    writeJson(join(folder, 'a/b.json'), { x: 1 });
    expect(readJson(join(folder, 'a/b.json'))).toEqual({ x: 1 });
    expect(readdirSync(join(folder, 'a'))).toEqual(['b.json']);
  });

  it('takes an absent or torn file for nothing', () => {
    writeFileSync(join(folder, 'torn.json'), '{"x": ');
    expect(readJson(join(folder, 'torn.json'))).toBeUndefined();
    expect(readJson(join(folder, 'torn.json/deeper'))).toBeUndefined();
    expect(readJson(join(folder, 'absent.json'))).toBeUndefined();
    expect(sizeOf(join(folder, 'absent.json'))).toBe(-1);
  });

  it('adds up a folder, and an absent one to nothing', () => {
    writeFileSync(join(folder, 'a'), 'four');
    writeJson(join(folder, 'deep/er/b.json'), 1);
    expect(folderBytes(folder)).toBe(4 + 2);
    expect(folderBytes(join(folder, 'absent'))).toBe(0);
  });
});

describe('withLock', () => {
  const locked = (work) => withLock(join(folder, 'lock'), 'a test', work);

  it('lets one in at a time and goes on after a failure', async () => {
    let inside = 0;
    let most = 0;
    const work = async () => {
      inside += 1;
      most = Math.max(most, inside);
      await sleep(20);
      inside -= 1;
    };
    const failing = locked(async () => {
      await work();
      throw new Error('broken');
    });
    await Promise.all([expect(failing).rejects.toThrow('broken'), locked(work), locked(work)]);
    expect(most).toBe(1);
    expect(existsSync(join(folder, 'lock'))).toBe(false);
  });

  it('takes over from a process that is dead', async () => {
    const { pid } = spawnSync(process.execPath, ['-e', '']);
    writeFileSync(join(folder, 'lock'), JSON.stringify({ pid }));
    expect(await locked(() => 'in')).toBe('in');
    expect(readdirSync(folder)).toEqual([]);
  });

  it.runIf(process.platform === 'linux')('knows a later process with the same id', async () => {
    writeFileSync(join(folder, 'lock'), JSON.stringify({ pid: process.pid, start: '1' }));
    expect(await locked(() => 'in')).toBe('in');
  });

  it('waits for one that is alive', async () => {
    const lock = join(folder, 'lock');
    writeFileSync(lock, JSON.stringify({ pid: process.ppid }));
    let entered = false;
    const waiting = locked(() => {
      entered = true;
    });
    await sleep(250);
    expect(entered).toBe(false);
    rmSync(lock);
    await waiting;
    expect(entered).toBe(true);
  });
});
