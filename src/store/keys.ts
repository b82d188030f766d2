import { join } from 'node:path';
import { AppError } from '@shared/errors';
import { atomicWrite, makeFolder } from './atomic';
import { guarded } from './disk-error';
import { statOrNull } from './fs-port';
import type { FsPort } from './fs-port';
import type { KeysStore } from './port';

const MAX_BYTES = 100_000;

export function keysStore(fs: FsPort, root: string, writable: () => void): KeysStore {
  const path = join(root, 'keys.json');
  return {
    read: () =>
      guarded('Your own keys could not be read', () => {
        const stat = statOrNull(fs, path);
        if (stat === null) return null;
        if (!stat.isFile() || stat.size > MAX_BYTES) {
          throw new AppError('bad_message', 'keys.json is no file of keys.', {
            remedy: 'Move it out of the workspace.',
          });
        }
        return fs.readFile(path).toString('utf8');
      }),
    write: (json) =>
      guarded('Your own keys could not be saved', () => {
        writable();
        makeFolder(fs, root);
        atomicWrite(fs, path, [Buffer.from(json)]);
        return Math.floor(fs.stat(path).mtimeMs);
      }),
  };
}
