import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';

const LINES = 200;
/** Enough for so many lines, stacks included. */
const BYTES = 128 * 1024;
const LONGEST = 2000;

/** The last lines of the engine's log in a workspace, oldest first; none where it cannot be read. */
export function logTail(workspace: string): string[] {
  let file: number;
  try {
    file = openSync(join(workspace, 'logs', 'engine.log'), 'r');
  } catch {
    // There is no log yet, or the disk is the trouble: what is told of that stands beside.
    return [];
  }
  try {
    const { size } = fstatSync(file);
    const from = Math.max(0, size - BYTES);
    const bytes = Buffer.alloc(size - from);
    const read = readSync(file, bytes, 0, bytes.length, from);
    const lines = bytes.toString('utf8', 0, read).trimEnd().split('\n');
    // The first is cut where there was more before it.
    return lines
      .slice(from > 0 ? 1 : 0)
      .slice(-LINES)
      .map((line) => line.slice(0, LONGEST));
  } finally {
    closeSync(file);
  }
}
