import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';

/** Versions of the schema of which a run is kept in `versions`, as that version left it. */
export const VERSIONS = [1, 2, 3, 4, 5];

/**
 * A run of an older version in a workspace: 5 steps, a checkpoint at step 5 of `tensorsOf(5)`, a
 * picture, a change of a knob; released. Returns its id.
 */
export function olderRun(root: string, version: number): string {
  const fixture = join(import.meta.dirname, 'versions', `${version}.json`);
  const { run, files } = JSON.parse(readFileSync(fixture, 'utf8')) as {
    run: string;
    /** gzip in base64, by path in the run's folder */
    files: Record<string, string>;
  };
  for (const [name, packed] of Object.entries(files)) {
    const path = join(root, 'runs', run, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, gunzipSync(Buffer.from(packed, 'base64')));
  }
  return run;
}
