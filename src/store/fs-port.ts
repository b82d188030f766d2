import * as fs from 'node:fs';
import { execFileSync } from 'node:child_process';
import { dirname } from 'node:path';

/**
 * Every file operation of the store (SQLite's own aside), so that a test can let the n-th one
 * fail. Signatures and errors are those of node:fs.
 */
export interface FsPort {
  mkdir(path: string): void;
  /** Creates the folder and those above it; does nothing where it exists. */
  mkdirs(path: string): void;
  open(path: string, flags: 'r' | 'r+' | 'w' | 'wx'): number;
  /** Both may move fewer bytes than asked, as the system calls do. `at` is the file offset. */
  write(fd: number, bytes: Uint8Array): number;
  read(fd: number, into: Uint8Array, at: number): number;
  fsync(fd: number): void;
  close(fd: number): void;
  rename(from: string, to: string): void;
  unlink(path: string): void;
  /** A second name for a file, where the file system has that. */
  link(from: string, to: string): void;
  copy(from: string, to: string): void;
  /** A whole folder; silent where it does not exist. */
  remove(path: string): void;
  readFile(path: string): Buffer;
  readdir(path: string): fs.Dirent[];
  stat(path: string): fs.Stats;
  /** Bytes that this user may still write at `path`, which must exist. */
  free(path: string): number;
}

export const nodeFs: FsPort = {
  mkdir: (path) => fs.mkdirSync(path),
  mkdirs: (path) => void fs.mkdirSync(path, { recursive: true }),
  open: (path, flags) => fs.openSync(path, flags),
  write: (fd, bytes) => fs.writeSync(fd, bytes),
  read: (fd, into, at) => fs.readSync(fd, into, 0, into.byteLength, at),
  fsync: (fd) => fs.fsyncSync(fd),
  close: (fd) => fs.closeSync(fd),
  rename: (from, to) => fs.renameSync(from, to),
  unlink: (path) => fs.unlinkSync(path),
  link: (from, to) => fs.linkSync(from, to),
  copy: (from, to) => fs.copyFileSync(from, to),
  remove: (path) => fs.rmSync(path, { recursive: true, force: true }),
  readFile: (path) => fs.readFileSync(path),
  readdir: (path) => fs.readdirSync(path, { withFileTypes: true }),
  // An lstat: a link inside the workspace never leads out of it.
  stat: (path) => fs.lstatSync(path),
  free: freeOn,
};

// Absent before Node 18.15, so in Electron 22.
const statfs = (fs as Partial<Pick<typeof fs, 'statfsSync'>>).statfsSync;

function freeOn(path: string): number {
  if (statfs !== undefined) {
    const { bavail, bsize } = statfs(path);
    return bavail * bsize;
  }
  const lines = execFileSync('df', ['-Pk', path], { encoding: 'utf8' }).trim().split('\n');
  const available = Number(lines.at(-1)?.trim().split(/\s+/).at(-3));
  if (!Number.isFinite(available)) throw new Error(`df does not tell the free space of ${path}`);
  return available * 1024;
}

/** Whether anything is at `path`; errors other than absence are thrown. */
export function exists(port: FsPort, path: string): boolean {
  return statOrNull(port, path) !== null;
}

export function statOrNull(port: FsPort, path: string): fs.Stats | null {
  try {
    return port.stat(path);
  } catch (error) {
    if (isAbsence(error)) return null;
    throw error;
  }
}

/** Entries of a folder; none where there is no such folder. */
export function entries(port: FsPort, path: string): fs.Dirent[] {
  try {
    return port.readdir(path);
  } catch (error) {
    if (isAbsence(error)) return [];
    throw error;
  }
}

/** The nearest folder at or above `path` that exists: where a new folder's space would come from. */
export function nearestExisting(port: FsPort, path: string): string {
  const parent = dirname(path);
  return exists(port, path) || parent === path ? path : nearestExisting(port, parent);
}

export function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : '';
}

export function isAbsence(error: unknown): boolean {
  return codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR';
}
