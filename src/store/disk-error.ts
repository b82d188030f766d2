import { AppError } from '@shared/errors';
import { codeOf } from './fs-port';

const FREE_SPACE = 'Free some space on this disk, then try again; what was saved before is intact.';

/** System and SQLite codes that mean the disk, not the program: what to say and what to do. */
const REASONS: Record<string, { why: string; remedy: string }> = {
  ENOSPC: { why: 'the disk is full', remedy: FREE_SPACE },
  EDQUOT: { why: 'your disk quota is used up', remedy: FREE_SPACE },
  EIO: {
    why: 'the disk reported an error',
    remedy: 'Check the disk, and copy the workspace to another one.',
  },
  EACCES: {
    why: 'the folder may not be written or read',
    remedy: 'Give yourself access to the workspace, or choose another one.',
  },
  EROFS: {
    why: 'the disk is read-only',
    remedy: 'Choose a workspace on a disk that can be written.',
  },
  EMFILE: {
    why: 'too many files are open',
    remedy: 'Close other programs, or raise the limit of open files.',
  },
  ENOENT: {
    why: 'the file or its folder is gone',
    remedy: 'Put it back if it was moved, or remove the run.',
  },
  ENAMETOOLONG: { why: 'the path is too long', remedy: 'Choose a workspace with a shorter path.' },
  damaged: {
    why: 'its database is damaged',
    remedy: 'Put the folder back from a copy; the other runs are not affected.',
  },
};

const SAME_AS: Record<string, string> = {
  EPERM: 'EACCES',
  ENFILE: 'EMFILE',
  ENOTDIR: 'ENOENT',
  SQLITE_FULL: 'ENOSPC',
  SQLITE_IOERR: 'EIO',
  SQLITE_READONLY: 'EROFS',
  SQLITE_PERM: 'EACCES',
  SQLITE_CANTOPEN: 'ENOENT',
  SQLITE_CORRUPT: 'damaged',
  SQLITE_NOTADB: 'damaged',
  SQLITE_SCHEMA: 'damaged',
  SQLITE_ERROR: 'damaged',
};

/**
 * Runs `act`; whatever it throws comes out as an AppError. `what` completes a sentence that
 * begins with it, e.g. "The checkpoint at step 100 could not be written".
 */
export function guarded<T>(what: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw diskError(what, error);
  }
}

export function diskError(what: string, error: unknown): AppError {
  if (error instanceof AppError) return error;
  const code = codeOf(error);
  // SQLite's extended codes (SQLITE_IOERR_WRITE) begin with the plain one.
  const plain = code.startsWith('SQLITE_') ? code.split('_').slice(0, 2).join('_') : code;
  if (plain === 'SQLITE_BUSY' || plain === 'SQLITE_LOCKED') {
    return new AppError('busy', `${what}: another program is writing it.`, {
      remedy: 'Wait a moment, or close the other program.',
      cause: error,
    });
  }
  const reason = REASONS[SAME_AS[plain] ?? plain];
  if (reason === undefined) {
    const message = error instanceof Error ? error.message : String(error);
    return new AppError('internal', `${what}: ${message}`, { cause: error });
  }
  return new AppError('disk', `${what}: ${reason.why}.`, { remedy: reason.remedy, cause: error });
}
