import type { Engine, EngineOptions } from '../engine/engine';

/** Where a verb's words go; tests read them back. */
export interface Terminal {
  write(text: string): void;
  /** Columns of a terminal; undefined for a file or a pipe. */
  columns: number | undefined;
}

/** What a verb may use of the machine besides its own arguments. */
export interface Context {
  stdout: Terminal;
  stderr: Terminal;
  env: Record<string, string | undefined>;
  version: string;
  /** Folder of the built scripts: cli.cjs, engine.cjs, importer.cjs. */
  scripts: string;
  createEngine(options: EngineOptions): Promise<Engine>;
  /** Calls at SIGINT and SIGTERM until the returned function is called. */
  onInterrupt(handler: () => void): () => void;
}

export interface OptionSpec {
  /** Placeholder of the value in the help; a flag has none. */
  value?: string;
  multiple?: boolean;
  help: string;
}

/** Values by option name, parsed strictly: an option that the verb lacks never arrives. */
export class Call {
  constructor(
    readonly operands: string[],
    private readonly values: Record<string, string | boolean | string[] | undefined>,
    readonly context: Context,
  ) {}

  text(name: string): string | undefined {
    const value = this.values[name];
    return typeof value === 'string' ? value : undefined;
  }

  texts(name: string): string[] {
    const value = this.values[name];
    return Array.isArray(value) ? value : [];
  }

  flag(name: string): boolean {
    return this.values[name] === true;
  }

  /** @throws UsageError when it is not a whole number of at least `min` */
  count(name: string, min = 0): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const number = Number(text);
    if (text.trim() !== '' && Number.isSafeInteger(number) && number >= min) return number;
    throw new UsageError(`--${name} takes a whole number of at least ${min}, not "${text}".`);
  }
}

export interface Verb {
  summary: string;
  /** As the usage line shows them, e.g. `RUN`. */
  operands?: string;
  /** How many operands there may be. */
  arity: [min: number, max: number];
  options: Record<string, OptionSpec>;
  notes?: string;
  /** @returns the exit code */
  run(call: Call): Promise<number>;
}

/** The words on the command line are wrong: told with the way to the help, exit code 2. */
export class UsageError extends Error {}

export const EXIT = { ok: 0, failed: 1, usage: 2, interrupted: 130 } as const;
