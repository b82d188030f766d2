import { existsSync, lstatSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { nodeFs } from '../fs-port';
import type { FsPort } from '../fs-port';
import { change, Disk, isFolder, newFile, newFolder, SECTOR, syncContents, whole } from './disk';
import type { Entry, Folder } from './disk';

/**
 * node:fs below `root`, and a `Disk` on which the same happens. SQLite's own writes are found by
 * comparing its files after each statement, in the order in which SQLite makes them: the log and its
 * fsync, the database and its fsync, the end of the log.
 */
export class Recorder {
  readonly disk = new Disk();
  readonly port: FsPort;
  readonly #open = new Map<number, { entry: Entry; at: number }>();

  /** @param happened  called after each change, at which the power may go */
  constructor(
    private readonly root: string,
    private readonly happened: (what: string) => void,
  ) {
    this.#adopt(this.disk.root, root);
    this.port = this.#port();
  }

  #adopt(folder: Folder, path: string): void {
    for (const entry of readdirSync(path, { withFileTypes: true })) {
      const at = join(path, entry.name);
      const node = entry.isDirectory() ? newFolder() : newFile();
      if (isFolder(node)) this.#adopt(node, at);
      else node.synced = readFileSync(at);
      folder.synced.set(entry.name, node);
      folder.live.set(entry.name, node);
    }
  }

  #find(path: string): { folder: Folder; name: string; entry: Entry | undefined } {
    let folder = this.disk.root;
    const names = relative(this.root, path).split(sep);
    const name = names.pop() ?? '';
    if (name === '') return { folder, name, entry: folder };
    for (const each of names) {
      const next = folder.live.get(each);
      if (next === undefined || !isFolder(next)) throw new Error(`not recorded: ${path}`);
      folder = next;
    }
    return { folder, name, entry: folder.live.get(name) };
  }

  #set(path: string, entry: Entry | null, what: string): void {
    const { folder, name } = this.#find(path);
    change(folder, { name, entry });
    this.happened(`${what} ${relative(this.root, path)}`);
  }

  #port(): FsPort {
    const open = this.#open;
    return {
      ...nodeFs,
      mkdir: (path) => {
        nodeFs.mkdir(path);
        this.#set(path, newFolder(), 'mkdir');
      },
      mkdirs: (path) => {
        if (existsSync(path)) return;
        this.port.mkdirs(dirname(path));
        this.port.mkdir(path);
      },
      open: (path, flags) => {
        const fd = nodeFs.open(path, flags);
        let { entry } = this.#find(path);
        if (entry === undefined) {
          entry = newFile();
          this.#set(path, entry, 'create');
        } else if (flags === 'w' && !isFolder(entry)) entry.pending.push(0);
        open.set(fd, { entry, at: 0 });
        return fd;
      },
      write: (fd, bytes) => {
        const count = nodeFs.write(fd, bytes);
        const file = open.get(fd);
        if (file !== undefined && !isFolder(file.entry)) {
          file.entry.pending.push({ at: file.at, bytes: Buffer.from(bytes.subarray(0, count)) });
          file.at += count;
          this.happened('write');
        }
        return count;
      },
      fsync: (fd) => {
        nodeFs.fsync(fd);
        const entry = open.get(fd)?.entry;
        if (entry === undefined) return;
        if (isFolder(entry)) this.disk.syncNames(entry);
        else syncContents(entry);
        this.happened('fsync');
      },
      close: (fd) => {
        open.delete(fd);
        nodeFs.close(fd);
      },
      rename: (from, to) => {
        nodeFs.rename(from, to);
        const { folder, name, entry } = this.#find(from);
        const target = this.#find(to);
        if (entry === undefined) throw new Error(`not recorded: ${from}`);
        change(target.folder, { name: target.name, entry, from: { folder, name } });
        this.happened(`rename to ${relative(this.root, to)}`);
      },
      unlink: (path) => {
        nodeFs.unlink(path);
        this.#set(path, null, 'unlink');
      },
      link: (from, to) => {
        nodeFs.link(from, to);
        this.#set(to, this.#find(from).entry ?? null, 'link');
      },
      copy: (from, to) => {
        nodeFs.copy(from, to);
        const copy = newFile();
        copy.pending.push({ at: 0, bytes: readFileSync(to) });
        this.#set(to, copy, 'copy');
      },
      remove: (path) => {
        if (!existsSync(path)) return;
        if (lstatSync(path).isDirectory()) {
          for (const name of readdirSync(path)) this.port.remove(join(path, name));
        }
        nodeFs.remove(path);
        this.#set(path, null, 'remove');
      },
    };
  }

  /** After any statement on the database at `path`. */
  database(path: string): void {
    if (relative(this.root, path).startsWith('..')) return;
    const log = `${path}-wal`;
    const grown = this.#differences(log);
    if (grown.length > 0) {
      const { folder, entry } = this.#find(log);
      const file = entry === undefined || isFolder(entry) ? newFile() : entry;
      if (entry === undefined) this.#set(log, file, 'create');
      file.pending.push(...grown);
      this.happened('write to the log');
      syncContents(file);
      if (entry === undefined) this.disk.syncNames(folder);
      this.happened('fsync of the log');
    }
    const pages = this.#differences(path);
    if (pages.length > 0) {
      const { folder, entry } = this.#find(path);
      const file = entry === undefined || isFolder(entry) ? newFile() : entry;
      if (entry === undefined) change(folder, { name: 'run.sqlite', entry: file });
      file.pending.push(...pages);
      this.happened('write to the database');
      syncContents(file);
      this.happened('fsync of the database');
    }
    const { entry: logged } = this.#find(log);
    if (logged === undefined || isFolder(logged)) return;
    if (!existsSync(log)) this.#set(log, null, 'unlink');
    else if (statSync(log).size < whole(logged).length) {
      logged.pending.push(statSync(log).size);
      this.happened('truncate the log');
    }
  }

  /** Stretches of whole sectors in which the file is no more what was recorded. */
  #differences(path: string): { at: number; bytes: Buffer }[] {
    if (!existsSync(path)) return [];
    const { entry } = this.#find(path);
    const before = entry === undefined || isFolder(entry) ? Buffer.alloc(0) : whole(entry);
    const now = readFileSync(path);
    const found: { at: number; bytes: Buffer }[] = [];
    for (let at = 0; at < now.length; at += SECTOR) {
      const bytes = now.subarray(at, at + SECTOR);
      if (bytes.equals(before.subarray(at, at + SECTOR))) continue;
      const last = found.at(-1);
      if (last !== undefined && last.at + last.bytes.length === at) {
        last.bytes = now.subarray(last.at, at + bytes.length);
      } else found.push({ at, bytes });
    }
    return found;
  }
}
