import { join } from 'node:path';
import { replaceWith, syncFile } from './atomic';
import { entries } from './fs-port';
import type { FsPort } from './fs-port';
import type { RunFolder } from './run-folder';
import { SCHEMA_VERSION, versionOf } from './schema';
import type { Database } from './sqlite';

/** `run.v4.sqlite`: the database as it was before it was brought up from version 4. */
const BACKUP = /^run\.v\d+\.sqlite$/;

/**
 * Before a database is brought up to date all of it is put beside it, for a person who goes back to
 * the Protodiff that wrote it. One such file stays, the latest; it may be deleted, and neither
 * exports nor copies of the run have it. Does nothing where there is nothing to bring up.
 */
export function backUp(fs: FsPort, folder: RunFolder, db: Database): void {
  const version = versionOf(db);
  if (version === 0 || version === SCHEMA_VERSION) return;
  const name = `run.v${version}.sqlite`;
  replaceWith(fs, join(folder.path, name), (temporary) => {
    db.copyInto(temporary);
    syncFile(fs, temporary);
  });
  for (const { name: other } of entries(fs, folder.path)) {
    if (BACKUP.test(other) && other !== name) fs.unlink(join(folder.path, other));
  }
}
