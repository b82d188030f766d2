import { z } from 'zod';
import { AppError } from '@shared/errors';
import { codeOf } from './fs-port';
import type { FsPort } from './fs-port';
import { processAlive, thisProcess } from './process-identity';
import type { ProcessIdentity } from './process-identity';

const LockSchema = z.object({ pid: z.number().int(), token: z.string() });

/** Locks that this process holds: one that bears our id but is not here is left over. */
const held = new Set<string>();

/**
 * Takes the lock file `path`, which names this process, or throws `busy` while a living process
 * holds it. Taking over a dead one's lock is two calls (remove, create); call it inside a write
 * transaction of the run's database, which no two processes are ever in at the same time.
 */
export function takeLock(fs: FsPort, path: string, run: string): void {
  const owner = lockOwner(fs, path);
  if (owner !== null) {
    throw new AppError('busy', `The run ${run} is being written by process ${owner.pid}.`, {
      remedy: 'Use the window that has it open, or close that first.',
    });
  }
  try {
    fs.unlink(path);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
  }
  const fd = fs.open(path, 'wx');
  try {
    fs.write(fd, Buffer.from(JSON.stringify(thisProcess())));
  } finally {
    fs.close(fd);
  }
  held.add(path);
}

/**
 * Gives the lock up. When the file cannot be removed, it counts as left over all the same: for
 * this process at once, for others when this one has ended.
 */
export function releaseLock(fs: FsPort, path: string): void {
  if (held.delete(path)) fs.unlink(path);
}

/** The living process that holds the lock; null when it is free, left over or unreadable. */
export function lockOwner(fs: FsPort, path: string): ProcessIdentity | null {
  let text: string;
  try {
    text = fs.readFile(path).toString('utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    throw error;
  }
  const owner = parse(text);
  if (owner === null || !processAlive(owner)) return null;
  return owner.pid === process.pid && !held.has(path) ? null : owner;
}

/** Null for a file cut short: its writer died between creating and filling it. */
function parse(text: string): ProcessIdentity | null {
  try {
    return LockSchema.parse(JSON.parse(text));
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof z.ZodError) return null;
    throw error;
  }
}
