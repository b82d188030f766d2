import { closeSync, fsyncSync, openSync, renameSync, writeSync } from 'node:fs';
import { AppError } from '@shared/errors';

/** Whole or not at all. @param what  as it begins a sentence, in the plural: `The pictures` */
export function writeWhole(file: string, content: string | Uint8Array, what: string): void {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  const temporary = `${file}.${process.pid}.tmp`;
  try {
    const handle = openSync(temporary, 'w');
    try {
      for (let at = 0; at < bytes.length;) at += writeSync(handle, bytes, at);
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    renameSync(temporary, file);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new AppError('disk', `${what} could not be written to ${file}: ${why}.`, {
      remedy: 'Name another file with --out.',
      cause,
    });
  }
}
