/**
 * A disk whose power may go: what was written and not yet synced is there, is not, or is torn.
 *
 * Rules, the weakest that file systems with a journal keep: a file's contents are on the disk after its
 * fsync, else any of its 512-byte sectors may be. Names in a folder are after the folder's fsync, else
 * any number of the first changes may be. A rename happens or does not.
 */
export const SECTOR = 512;

interface Written {
  at: number;
  bytes: Buffer;
}
export interface File {
  synced: Buffer;
  /** Since the last fsync; a number is a length that the file was cut to. */
  pending: (Written | number)[];
}
export interface Folder {
  synced: Map<string, Entry>;
  live: Map<string, Entry>;
  pending: Change[];
}
export type Entry = File | Folder;
interface Change {
  name: string;
  /** null: the name is gone. */
  entry: Entry | null;
  /** Where a rename took it from. */
  from?: { folder: Folder; name: string };
}

/** A tree as it is found after the power is back: paths relative to the disk, null for a folder. */
export type Found = Map<string, Buffer | null>;

/** Which of what is not synced was kept. */
export interface Loss {
  /** How many of a folder's changes. */
  names: (changes: number) => number;
  contents: (file: File) => Buffer;
}

export const isFolder = (entry: Entry): entry is Folder => 'live' in entry;
export const newFile = (): File => ({ synced: Buffer.alloc(0), pending: [] });
export const newFolder = (): Folder => ({ synced: new Map(), live: new Map(), pending: [] });

/** A file as a reader sees it while the power is on. */
export function whole({ synced, pending }: File): Buffer {
  if (pending.length === 0) return synced;
  const image = new Image(synced, pending);
  for (const change of pending) {
    if (typeof change === 'number') image.cut(change);
    else image.write(change.at, change.bytes);
  }
  return image.bytes;
}

/** A file's bytes while some of what was written to it is put in. */
class Image {
  readonly #room: Buffer;
  #length: number;

  constructor(synced: Buffer, pending: File['pending']) {
    const ends = pending.map((each) =>
      typeof each === 'number' ? 0 : each.at + each.bytes.length,
    );
    this.#room = Buffer.alloc(Math.max(synced.length, ...ends));
    this.#length = synced.copy(this.#room);
  }

  write(at: number, bytes: Buffer): void {
    bytes.copy(this.#room, at);
    this.grow(at + bytes.length);
  }

  /** The length alone: what is new reads as zeros. */
  grow(length: number): void {
    this.#length = Math.max(this.#length, length);
  }

  cut(length: number): void {
    this.#room.fill(0, length);
    this.#length = Math.min(this.#length, length);
  }

  get bytes(): Buffer {
    return this.#room.subarray(0, this.#length);
  }
}

export function syncContents(file: File): void {
  file.synced = whole(file);
  file.pending = [];
}

export function change(folder: Folder, change: Change): void {
  apply(folder.live, change);
  change.from?.folder.live.delete(change.from.name);
  folder.pending.push(change);
}

export class Disk {
  readonly root = newFolder();

  syncNames(folder: Folder): void {
    for (const each of this.#folders()) {
      // A rename is one change: where either folder is synced, it has happened.
      const last =
        each === folder
          ? each.pending.length
          : each.pending.map(({ from }) => from?.folder).lastIndexOf(folder) + 1;
      for (const done of each.pending.splice(0, last)) {
        done.from?.folder.synced.delete(done.from.name);
        apply(each.synced, done);
      }
    }
  }

  /** Whether a power loss now would leave everything as it is. */
  get settled(): boolean {
    return this.#folders().every(
      (folder) =>
        folder.pending.length === 0 &&
        [...folder.live.values()].every((entry) => isFolder(entry) || entry.pending.length === 0),
    );
  }

  after({ names, contents }: Loss): Found {
    const found: Found = new Map();
    const views = new Map<Folder, Map<string, Entry>>();
    const folders = this.#folders();
    for (const folder of folders) views.set(folder, new Map(folder.synced));
    for (const folder of folders) {
      const view = views.get(folder) ?? new Map<string, Entry>();
      for (const done of folder.pending.slice(0, names(folder.pending.length))) {
        if (done.from !== undefined) {
          const there = views.get(done.from.folder);
          if (there?.get(done.from.name) === done.entry) there?.delete(done.from.name);
        }
        apply(view, done);
      }
    }
    const put = (folder: Folder, path: string): void => {
      for (const [name, entry] of views.get(folder) ?? folder.synced) {
        const at = path === '' ? name : `${path}/${name}`;
        if (isFolder(entry)) {
          found.set(at, null);
          put(entry, at);
        } else found.set(at, contents(entry));
      }
    };
    put(this.root, '');
    return found;
  }

  /** All that can be reached, by a name that is synced, live or in between. */
  #folders(): Folder[] {
    const seen = new Set<Folder>();
    const visit = (folder: Folder): void => {
      if (seen.has(folder)) return;
      seen.add(folder);
      const changed = folder.pending.map(({ entry }) => entry);
      for (const entry of [...folder.synced.values(), ...folder.live.values(), ...changed]) {
        if (entry !== null && isFolder(entry)) visit(entry);
      }
    };
    visit(this.root);
    return [...seen];
  }
}

function apply(names: Map<string, Entry>, { name, entry }: Change): void {
  if (entry === null) names.delete(name);
  else names.set(name, entry);
}

const never = (): number => 0;
const always = (changes: number): number => changes;
const unsynced = ({ synced }: File): Buffer => synced;

/** The four plain losses: all of it, none, names alone, contents alone. */
export const PLAIN: Loss[] = [
  { names: never, contents: unsynced },
  { names: always, contents: whole },
  { names: always, contents: unsynced },
  { names: never, contents: whole },
];

/** Any of the rest: some names, some sectors of each write. */
export function tornBy(random: (below: number) => number): Loss {
  return {
    names: (changes) => random(changes + 1),
    contents(file) {
      if (file.pending.length === 0) return file.synced;
      const image = new Image(file.synced, file.pending);
      for (const change of file.pending) {
        if (typeof change === 'number') {
          if (random(2) === 0) image.cut(change);
        } else tear(image, change, random);
      }
      return image.bytes;
    },
  };
}

/** The first sectors of a write, all but one, or any of them. */
function tear(
  image: Image,
  { at: start, bytes }: Written,
  random: (below: number) => number,
): void {
  const end = start + bytes.length;
  if (random(4) === 0) image.grow(end);
  const how = random(3);
  const cut = random(Math.ceil(bytes.length / SECTOR) + 1);
  for (let at = start, sector = 0; at < end; sector++) {
    const next = Math.min(end, (Math.floor(at / SECTOR) + 1) * SECTOR);
    const kept = how === 0 ? sector < cut : how === 1 ? sector !== cut : random(2) === 0;
    if (kept) image.write(at, bytes.subarray(at - start, next - start));
    at = next;
  }
}
