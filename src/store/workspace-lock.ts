import { join } from 'node:path';
import { z } from 'zod';
import { AppError } from '@shared/errors';
import { atomicWrite, makeFolder } from './atomic';
import { codeOf, nodeFs as fs } from './fs-port';
import { identityOf, processAlive, thisProcess } from './process-identity';
import { openDatabase } from './sqlite';

const Process = z.object({ pid: z.number().int(), token: z.string() });
/** engine.json: which engine serves a workspace, and for which host. */
const OwnerSchema = Process.extend({
  /** Unix ms. */
  started: z.number(),
  host: Process,
});
type Owner = z.infer<typeof OwnerSchema>;

/** An engine whose host has died ends within this time. */
const ORPHAN_MS = 6000;
const POLL_MS = 50;

/**
 * Makes this process the one engine of a workspace; what a dead one left is taken over at once.
 *
 * @returns gives the workspace back
 * @throws AppError busy while the engine of a living host has it; disk
 */
export async function lockWorkspace(root: string): Promise<() => void> {
  const deadline = Date.now() + ORPHAN_MS;
  for (;;) {
    const owner = claim(root);
    if (owner === null) return () => giveBack(root);
    if (processAlive(owner.host) || Date.now() > deadline) {
      throw new AppError(
        'busy',
        `The workspace ${root} is open in another Protodiff, process ${owner.host.pid}.`,
        { remedy: 'Use its window, or close it; or choose another workspace with --workspace.' },
      );
    }
    await new Promise((done) => setTimeout(done, POLL_MS));
  }
}

/** @returns the living engine that has it; null: it is ours now */
function claim(root: string): Owner | null {
  const guard = join(root, 'cache', 'engine.sqlite');
  try {
    makeFolder(fs, join(root, 'cache'));
    // Looking and taking are two calls. No two processes are in a transaction at once, and one that
    // dies in it leaves nothing behind.
    const db = openDatabase(guard, false);
    try {
      return db.transaction(() => {
        const owner = readOwner(root);
        if (owner !== null && owner.pid !== process.pid && processAlive(owner)) return owner;
        const ours: Owner = {
          ...thisProcess(),
          started: Date.now(),
          host: identityOf(process.ppid),
        };
        atomicWrite(fs, ownerPath(root), [Buffer.from(JSON.stringify(ours))]);
        return null;
      });
    } finally {
      db.close();
    }
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new AppError('disk', `The workspace ${root} cannot be written: ${why}.`, {
      remedy: 'Choose another folder with --workspace, or make this one writable.',
      cause,
    });
  }
}

const ownerPath = (root: string): string => join(root, 'engine.json');

function giveBack(root: string): void {
  if (readOwner(root)?.pid === process.pid) fs.remove(ownerPath(root));
}

/** Null where there is none, or it is of another form: a file that was renamed into place is whole. */
function readOwner(root: string): Owner | null {
  try {
    return OwnerSchema.parse(JSON.parse(fs.readFile(ownerPath(root)).toString('utf8')));
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof z.ZodError) return null;
    if (codeOf(error) === 'ENOENT') return null;
    throw error;
  }
}
