import { join } from 'node:path';
import { AppError } from '@shared/errors';
import { atomicWrite, makeFolder } from './atomic';
import { diskError } from './disk-error';
import type { FsPort } from './fs-port';
import type { Samples } from './port';
import { readSamples } from './records';
import { stepName } from './run-folder';
import type { RunFolder } from './run-folder';
import { decodeSheet, encodeSheet } from './sample-sheet';
import type { Database } from './sqlite';

/** The file first, whole and durable, then its row. New samples of a step replace the old ones. */
export function saveSamples(
  fs: FsPort,
  folder: RunFolder,
  db: Database,
  samples: Samples,
  wall: number,
): void {
  const { step } = samples.settings;
  const file = `samples/${stepName(step)}.png`;
  makeFolder(fs, folder.samples);
  atomicWrite(fs, join(folder.path, file), [encodeSheet(samples)]);
  db.prepare('INSERT OR REPLACE INTO samples VALUES (?, ?, ?)').run(step, file, wall);
}

/** @throws AppError not_found; disk with file and reason when the picture is damaged */
export function loadSamples(fs: FsPort, folder: RunFolder, db: Database, step: number): Samples {
  const row = readSamples(db).find((sample) => sample.step === step);
  if (row === undefined) {
    throw new AppError('not_found', `The run ${folder.run} has no samples at step ${step}.`, {
      remedy: 'Choose one of the steps that are listed.',
    });
  }
  const what = `The samples ${row.file} could not be read`;
  let bytes: Buffer;
  try {
    bytes = fs.readFile(join(folder.path, row.file));
  } catch (error) {
    throw diskError(what, error);
  }
  try {
    return decodeSheet(bytes);
  } catch (error) {
    throw new AppError('disk', `${what}: the file is damaged.`, {
      remedy: 'Sample again at this step, or put the file back from a copy.',
      cause: error,
    });
  }
}
