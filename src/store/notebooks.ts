import { join } from 'node:path';
import { AppError } from '@shared/errors';
import { atomicWrite } from './atomic';
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
export function notebookStore(fs: FsPort, folder: string, writable: () => void): NotebookStore {
  const pathOf = (name: string): string => join(folder, `${checked(name)}${ENDING}`);
  return {
    list: () =>
      guarded('The notebooks could not be listed', () =>
        entries(fs, folder)
          .filter((entry) => entry.isFile() && entry.name.endsWith(ENDING))
          .map((entry) => entry.name.slice(0, -ENDING.length))
          .filter(isName)
          .sort()
          .map((name) => ({ name, modified: modifiedAt(fs, pathOf(name)) })),
      ),
    read: (name) =>
      guarded(`The notebook "${name}" could not be read`, () => {
        const path = pathOf(name);
        const stat = statOrNull(fs, path);
        if (stat?.isFile() !== true) {
          throw new AppError('not_found', `There is no notebook "${name}".`, {
            remedy: 'Choose one of those in the list.',
          });
        }
        if (stat.size > MAX_BYTES) throw tooLong(name, stat.size);
        const json = fs.readFile(path).toString('utf8');
        parse(name, json);
        return json;
      }),
    write: (name, json) =>
      guarded(`The notebook "${name}" could not be saved`, () => {
        writable();
        const path = pathOf(name);
        const bytes = Buffer.from(json);
        if (bytes.length > MAX_BYTES) throw tooLong(name, bytes.length);
        parse(name, json);
        fs.mkdirs(folder);
        atomicWrite(fs, path, [bytes]);
        return modifiedAt(fs, path);
      }),
  };
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
