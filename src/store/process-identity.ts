import { readFileSync } from 'node:fs';
import { codeOf } from './fs-port';

/**
 * A process, told apart from a later one that got the same id. `token` is its start time in clock
 * ticks since boot, or '' where the system does not tell (anything but Linux): the id alone counts.
 */
export interface ProcessIdentity {
  pid: number;
  token: string;
}

export function identityOf(pid: number): ProcessIdentity {
  return { pid, token: statOf(pid)?.token ?? '' };
}

export const thisProcess = (): ProcessIdentity => identityOf(process.pid);

/** Whether the process is there; one that has ended but was not yet reaped is not. */
export function processAlive({ pid, token }: ProcessIdentity): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it exists, and belongs to someone else.
    if (codeOf(error) !== 'EPERM') return false;
  }
  const stat = statOf(pid);
  if (stat === null) return true;
  return stat.state !== 'Z' && (token === '' || stat.token === token);
}

/** Fields 3 (state) and 22 (start time) of /proc/PID/stat; null where there is no such file. */
function statOf(pid: number): { state: string; token: string } | null {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch (error) {
    if (process.platform === 'linux' && codeOf(error) !== 'ENOENT' && codeOf(error) !== 'ESRCH') {
      throw error;
    }
    return null;
  }
  // Field 2 is the program's name in brackets, and may itself hold blanks and brackets.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { state: fields[0] ?? '', token: fields[19] ?? '' };
}
