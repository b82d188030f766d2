import { nodeFs } from '../fs-port';
import type { FsPort } from '../fs-port';

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
        this.calls += 1;
        this.trace.push(name);
        const fails = this.#forGood ? this.calls >= this.#failAt : this.calls === this.#failAt;
        // A file is closed even where closing reports an error, as the system does.
        if (fails && name === 'close') call(...values);
        if (fails) throw Object.assign(new Error(`${this.#code}: injected`), { code: this.#code });
        return call(...values);
      };
    },
  });

  /** From here on the n-th call fails; with `forGood`, all after it as well. */
  failAt(n: number, code: string, forGood = false): void {
    this.calls = 0;
    this.trace.length = 0;
    this.#failAt = n;
    this.#code = code;
    this.#forGood = forGood;
  }
}
