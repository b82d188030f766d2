import { basename, dirname, join } from 'node:path';
import { processAlive } from './process-identity';
import { codeOf, entries, exists } from './fs-port';
import type { FsPort } from './fs-port';

let written = 0;
const TEMPORARY = /^\..*\.(\d+)-\d+\.tmp$/;

/**
 * Replaces `path` as a whole: a reader, or the next start after a crash, sees the old contents or
 * the new ones, never a part. Durable when it returns.
 *
 * Temporary name in the same folder, write, fsync, rename, fsync of the folder. After a failure
 * the temporary file is removed, or left to `sweepTemporaries` when even that fails.
 */
export function atomicWrite(fs: FsPort, path: string, chunks: readonly Uint8Array[]): void {
  replaceWith(fs, path, (temporary) => {
    const fd = fs.open(temporary, 'wx');
    try {
      for (const chunk of chunks) writeAll(fs, fd, chunk);
      fs.fsync(fd);
    } finally {
      fs.close(fd);
    }
  });
}

/** The same with a file that `make` writes, and syncs, under the temporary name. */
export function replaceWith(fs: FsPort, path: string, make: (temporary: string) => void): void {
  written += 1;
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}-${written}.tmp`);
  try {
    make(temporary);
    fs.rename(temporary, path);
  } catch (error) {
    discard(fs, temporary, error);
  }
  syncFolder(fs, dirname(path));
}

export function writeAll(fs: FsPort, fd: number, bytes: Uint8Array): void {
  let at = 0;
  while (at < bytes.byteLength) at += fs.write(fd, bytes.subarray(at));
}

/** Removes what a failed write left behind, and throws the failure that mattered: the first. */
function discard(fs: FsPort, temporary: string, failure: unknown): never {
  try {
    fs.unlink(temporary);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT' && failure instanceof Error && failure.cause === undefined) {
      failure.cause = error;
    }
  }
  throw failure;
}

/** Makes renames and removals inside a folder durable. */
export function syncFolder(fs: FsPort, folder: string): void {
  // Windows has no fsync of a folder; NTFS journals renames by itself.
  if (process.platform === 'win32') return;
  const fd = fs.open(folder, 'r');
  try {
    fs.fsync(fd);
  } finally {
    fs.close(fd);
  }
}

/** What was written to a file is on the disk. */
export function syncFile(fs: FsPort, path: string): void {
  const fd = fs.open(path, 'r+');
  try {
    fs.fsync(fd);
  } finally {
    fs.close(fd);
  }
}

/**
 * Makes a folder and those above it, durably: what is then written in it and synced is found there
 * after a power loss. Does nothing where it exists.
 */
export function makeFolder(fs: FsPort, path: string): void {
  if (exists(fs, path)) return;
  const above = dirname(path);
  if (above !== path) makeFolder(fs, above);
  try {
    fs.mkdir(path);
  } catch (error) {
    // Another process made it meanwhile.
    if (codeOf(error) !== 'EEXIST') throw error;
  }
  syncFolder(fs, above);
}

/**
 * Removes temporary files that a killed process left in `folder`. Files of another living process
 * stay; all writes of this one are synchronous, so what bears its id is left over too.
 */
export function sweepTemporaries(fs: FsPort, folder: string): void {
  for (const entry of entries(fs, folder)) {
    const pid = Number(TEMPORARY.exec(entry.name)?.[1]);
    if (Number.isNaN(pid) || !entry.isFile()) continue;
    if (pid === process.pid || !processAlive({ pid, token: '' }))
      fs.unlink(join(folder, entry.name));
  }
}
