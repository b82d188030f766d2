import { expect } from 'vitest';
import { AppError } from '@shared/errors';
import { nodeFs } from '../fs-port';
import type { FsPort } from '../fs-port';

/** What SQLite makes of the system's errors. */
const IN_SQLITE: Record<string, string> = {
  ENOSPC: 'SQLITE_FULL',
  EACCES: 'SQLITE_READONLY',
  EMFILE: 'SQLITE_CANTOPEN',
};
const injected = (code: string): Error => Object.assign(new Error(`${code}: injected`), { code });

/** node:fs whose calls are counted, and whose n-th one (from 1) fails with a system error. */
export class FaultyFs {
  calls = 0;
  /** Names of the calls made, in order. */
  readonly trace: string[] = [];
  #failAt = Infinity;
  #code = '';
  #forGood = false;

  readonly port = new Proxy(nodeFs, {
    get: (target, name: keyof FsPort) => {
      const call = target[name] as (...values: unknown[]) => unknown;
      return (...values: unknown[]): unknown => {
        const fails = this.#counted(name);
        // A file is closed even where closing reports an error, as the system does.
        if (fails && name === 'close') call(...values);
        if (fails) throw injected(this.#code);
        return call(...values);
      };
    },
  });

  /** Before a statement of SQLite, which counts as a call of the system. */
  statement(name: string): void {
    if (this.#counted(name)) throw injected(IN_SQLITE[this.#code] ?? 'SQLITE_IOERR');
  }

  #counted(name: string): boolean {
    this.calls += 1;
    this.trace.push(name);
    return this.#forGood ? this.calls >= this.#failAt : this.calls === this.#failAt;
  }

  /** From here on the n-th call fails; with `forGood`, all after it as well. */
  failAt(n: number, code: string, forGood = false): void {
    this.calls = 0;
    this.trace.length = 0;
    this.#failAt = n;
    this.#code = code;
    this.#forGood = forGood;
  }
}

export interface Fault {
  code: string;
  /** All calls after the n-th fail too. */
  forGood: boolean;
}

const EVERY: Fault[] = ['ENOSPC', 'EIO', 'EACCES', 'EMFILE'].flatMap((code) => [
  { code, forGood: false },
  { code, forGood: true },
]);
/** The first few kinds of fault; FAULTS=all takes each code once and for good. */
export const kindsOfFault = (first: number): Fault[] =>
  process.env.FAULTS === 'all' ? EVERY : EVERY.slice(0, first);

/**
 * Runs `act` with its n-th call failing, for n = 1, 2, … until it no longer meets the fault; what it
 * throws must be an AppError of the disk with a remedy. Returns how many calls failed in turn.
 */
export function everyCall(
  faults: FaultyFs,
  { code, forGood }: Fault,
  act: (n: number) => unknown,
  check: (failed: boolean, n: number) => void,
): number {
  for (let n = 1; ; n++) {
    faults.failAt(n, code, forGood);
    let failed = false;
    try {
      act(n);
    } catch (error) {
      failed = true;
      fromTheDisk(error);
    }
    const met = faults.calls >= n;
    faults.failAt(Infinity, '');
    check(failed, n);
    if (!met) return n - 1;
  }
}

/** `everyCall` of what takes several turns. */
export async function everyCallOf(
  faults: FaultyFs,
  { code, forGood }: Fault,
  act: (n: number) => Promise<unknown>,
  check: (failed: boolean, n: number) => void,
): Promise<number> {
  for (let n = 1; ; n++) {
    faults.failAt(n, code, forGood);
    const failed = await act(n).then(
      () => false,
      (error: unknown) => {
        fromTheDisk(error);
        return true;
      },
    );
    const met = faults.calls >= n;
    faults.failAt(Infinity, '');
    check(failed, n);
    if (!met) return n - 1;
  }
}

function fromTheDisk(error: unknown): void {
  expect(error).toBeInstanceOf(AppError);
  expect(error).toMatchObject({ code: 'disk', remedy: expect.any(String) as string });
}
