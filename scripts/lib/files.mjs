import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { say } from './say.mjs';

const missing = (error) => error.code === 'ENOENT' || error.code === 'ENOTDIR';

/** The parsed file, or undefined where it is absent or not whole. */
export function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    if (missing(error) || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Writes to a temporary name beside `path` and renames: a reader sees the old or the new, whole. */
export function writeAtomic(path, text) {
  mkdirSync(dirname(path), { recursive: true });
  const temporary = `${path}.${randomBytes(4).toString('hex')}.tmp`;
  const file = openSync(temporary, 'w');
  try {
    writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(temporary, path);
}

export const writeJson = (path, value) => writeAtomic(path, `${JSON.stringify(value, null, 2)}\n`);

/** Size of a file in bytes, or -1 where there is none. */
export function sizeOf(path) {
  return statSync(path, { throwIfNoEntry: false })?.size ?? -1;
}

/** Bytes in all files under a folder; files that vanish meanwhile count as nothing. */
export function folderBytes(folder) {
  let bytes = 0;
  let entries = [];
  try {
    entries = readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    if (!missing(error)) throw error;
  }
  for (const entry of entries) {
    const path = join(folder, entry.name);
    bytes += entry.isDirectory() ? folderBytes(path) : Math.max(0, sizeOf(path));
  }
  return bytes;
}

/** When a process began, in kernel ticks: tells a process from a later one with the same id. */
function startOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch (error) {
    if (missing(error) || error.code === 'ESRCH') return undefined;
    throw error;
  }
}

function isAlive({ pid, start }) {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (error.code === 'ESRCH') return false;
    if (error.code !== 'EPERM') throw error;
  }
  return start === undefined || startOf(pid) === start;
}

function tryLock(path) {
  try {
    const file = openSync(path, 'wx');
    writeSync(file, JSON.stringify({ pid: process.pid, start: startOf(process.pid) }));
    closeSync(file);
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  }
}

/** Moves a dead process's lock aside; puts it back where another was quicker and it is a live one. */
function takeOver(path) {
  const aside = `${path}.${randomBytes(4).toString('hex')}`;
  try {
    renameSync(path, aside);
    const owner = readJson(aside);
    if (owner !== undefined && isAlive(owner)) linkSync(aside, path);
  } catch (error) {
    if (!missing(error) && error.code !== 'EEXIST') throw error;
  } finally {
    rmSync(aside, { force: true });
  }
}

/**
 * Runs `work` while holding the lock file; waits for a living owner, takes over a dead one's.
 * @param {string} path the lock file
 * @param {string} what the thing being done, for the line that says why this waits
 */
export async function withLock(path, what, work) {
  mkdirSync(dirname(path), { recursive: true });
  let told = false;
  while (!tryLock(path)) {
    const owner = readJson(path);
    // An unreadable lock is one being written, unless it stays so for two seconds.
    const age = Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
    if (owner === undefined ? age > 2000 : !isAlive(owner)) {
      takeOver(path);
      continue;
    }
    if (!told && owner !== undefined) {
      say(`process ${owner.pid} is already at ${what}; waiting for it.`);
      told = true;
    }
    await sleep(100);
  }
  const release = () => rmSync(path, { force: true });
  process.once('exit', release);
  try {
    return await work();
  } finally {
    process.off('exit', release);
    release();
  }
}
