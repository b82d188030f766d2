import type { Stats } from 'node:fs';
import { dirname, join } from 'node:path';
import { AppError } from '@shared/errors';
import { atomicWrite, makeFolder, syncFolder } from './atomic';
import { guarded } from './disk-error';
import { entries, statOrNull } from './fs-port';
import type { FsPort } from './fs-port';
import type { NotebookStore } from './port';

const MAX_BYTES = 4_000_000;
const MAX_NAME = 120;
const ENDING = '.json';
// Separators, what Windows refuses, control characters; no dot or blank at either end.
const NAME = /^(?![. ])[^/\\<>:"|?*\p{Cc}\p{Cs}]+(?<![. ])$/u;
const DEVICE = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i;

/** Notebooks are JSON files in one folder; their names are the files' without `.json`. */
export function notebookStore(fs: FsPort, root: string, writable: () => void): NotebookStore {
  const folder = join(root, 'notebooks');
  const bin = join(root, 'trash');
  const pathOf = (name: string): string => join(folder, `${checked(name)}${ENDING}`);
  const fileAt = (path: string, name: string): Stats => {
    const stat = statOrNull(fs, path);
    if (stat?.isFile() === true) return stat;
    throw new AppError('not_found', `There is no notebook "${name}".`, {
      remedy: 'Choose one of those in the list.',
    });
  };
  // A rename keeps the file whole: after a crash it is at the one place or at the other.
  const move = (from: string, to: string): number => {
    writable();
    makeFolder(fs, dirname(to));
    fs.rename(from, to);
    syncFolder(fs, dirname(to));
    if (dirname(from) !== dirname(to)) syncFolder(fs, dirname(from));
    return modifiedAt(fs, to);
  };
  const vacant = (name: string): string => {
    const path = pathOf(name);
    if (statOrNull(fs, path) === null) return path;
    throw new AppError('wrong_state', `There is a notebook "${name}" already.`, {
      remedy: 'Choose another name.',
    });
  };
  const listOf = (where: string): { name: string; modified: number }[] =>
    entries(fs, where)
      .filter((entry) => entry.isFile() && entry.name.endsWith(ENDING))
      .map((entry) => entry.name.slice(0, -ENDING.length))
      .filter(isName)
      .sort()
      .map((name) => ({ name, modified: modifiedAt(fs, join(where, `${name}${ENDING}`)) }));
  return {
    list: () => guarded('The notebooks could not be listed', () => listOf(folder)),
    trash: () => guarded('The deleted notebooks could not be listed', () => listOf(bin)),
    read: (name) =>
      guarded(`The notebook "${name}" could not be read`, () => {
        const path = pathOf(name);
        const stat = fileAt(path, name);
        if (stat.size > MAX_BYTES) throw tooLong(name, stat.size);
        const json = fs.readFile(path).toString('utf8');
        parse(name, json);
        return { json, modified: modifiedAt(fs, path) };
      }),
    write: (name, json, known) =>
      guarded(`The notebook "${name}" could not be saved`, () => {
        writable();
        const path = pathOf(name);
        const bytes = Buffer.from(json);
        if (bytes.length > MAX_BYTES) throw tooLong(name, bytes.length);
        parse(name, json);
        if (holds(fs, path, bytes)) return modifiedAt(fs, path);
        if (known !== undefined) refuseIfChanged(fs, path, name, known);
        makeFolder(fs, folder);
        atomicWrite(fs, path, [bytes]);
        return modifiedAt(fs, path);
      }),
    rename: (name, to) =>
      guarded(`The notebook "${name}" could not be renamed`, () => {
        fileAt(pathOf(name), name);
        return move(pathOf(name), vacant(to));
      }),
    remove: (name) =>
      guarded(`The notebook "${name}" could not be deleted`, () => {
        const path = pathOf(name);
        fileAt(path, name);
        const taken = new Set(entries(fs, bin).map((entry) => entry.name));
        const stem = Array.from(name).slice(0, 60).join('').trim();
        let trashed = stem;
        for (let n = 2; taken.has(`${trashed}${ENDING}`); n += 1) trashed = `${stem} ${n}`;
        move(path, join(bin, `${trashed}${ENDING}`));
        return trashed;
      }),
    restore: (trashed, name) =>
      guarded(`The notebook "${name}" could not be restored`, () => {
        const path = join(bin, `${checked(trashed)}${ENDING}`);
        fileAt(path, trashed);
        return move(path, vacant(name));
      }),
  };
}

/** Windows that follow one run write the same: none of them changes what another has seen. */
function holds(fs: FsPort, path: string, bytes: Buffer): boolean {
  const stat = statOrNull(fs, path);
  return stat?.size === bytes.length && bytes.equals(fs.readFile(path));
}

function refuseIfChanged(fs: FsPort, path: string, name: string, known: number | null): void {
  const stat = statOrNull(fs, path);
  const now = stat === null ? null : Math.floor(stat.mtimeMs);
  if (now === known) return;
  throw new AppError(
    'conflict',
    stat === null
      ? `The file of the notebook "${name}" is gone.`
      : `The file of the notebook "${name}" was changed elsewhere.`,
    { remedy: 'Keep what this window shows, or take the file as it is now.' },
  );
}

function modifiedAt(fs: FsPort, path: string): number {
  return Math.floor(fs.stat(path).mtimeMs);
}

/** 255 bytes is what file systems allow; the temporary name adds its own. */
function isName(name: string): boolean {
  return (
    name.length <= MAX_NAME &&
    Buffer.byteLength(name) <= 200 &&
    NAME.test(name) &&
    !DEVICE.test(name)
  );
}

function checked(name: string): string {
  if (isName(name)) return name;
  throw new AppError('bad_message', `"${name.slice(0, MAX_NAME)}" cannot be a notebook's name.`, {
    remedy: `Use at most ${MAX_NAME} characters, none of / \\ < > : " | ? *, and no dot in front.`,
  });
}

function parse(name: string, json: string): void {
  try {
    JSON.parse(json);
  } catch (error) {
    throw new AppError('bad_message', `The notebook "${name}" is not whole JSON.`, {
      remedy: 'Put the file back from a copy, or mend it in an editor.',
      cause: error,
    });
  }
}

function tooLong(name: string, bytes: number): AppError {
  return new AppError(
    'bad_message',
    `The notebook "${name}" has ${bytes} bytes; ${MAX_BYTES} are allowed.`,
    { remedy: 'Split it into several notebooks.' },
  );
}
