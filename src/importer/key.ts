import { createHash } from 'node:crypto';
import type { ImportJob } from './job';
import type { FoundFile } from './walk';

/** To be raised when the same files would give other pixels, labels or reports. */
const FORMAT = 1;

/** Changes whenever a file is added, removed, renamed, resized or written, and with the job. */
export function importKey(
  { kind, path, image_size, channels }: ImportJob,
  files: readonly FoundFile[],
): string {
  const hash = createHash('sha256');
  hash.update(JSON.stringify([FORMAT, kind, path, image_size, channels]));
  for (const { name, bytes, modified } of files) {
    hash.update(JSON.stringify([name, bytes, modified]));
  }
  return hash.digest('hex').slice(0, 32);
}
