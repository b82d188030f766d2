import { appendFileSync, mkdirSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';

const MAX_BYTES = 5 * 1024 * 1024;

export interface Log {
  info(message: string): void;
  /** With the stack of the error and of its causes. */
  error(message: string, thrown: unknown): void;
}

/**
 * Appends to `<folder>/engine.log`; at 5 MiB that becomes `engine.old.log`, replacing the one
 * before. A log that cannot be written goes to stderr instead: it never stops the engine.
 */
export function openLog(folder: string, maxBytes = MAX_BYTES): Log {
  const file = join(folder, 'engine.log');
  let size = 0;
  let broken = false;
  const write = (level: string, message: string): void => {
    const line = `${new Date().toISOString()} ${process.pid} ${level} ${message}\n`;
    try {
      if (size === 0) {
        mkdirSync(folder, { recursive: true });
        size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
      }
      if (size > maxBytes) {
        renameSync(file, join(folder, 'engine.old.log'));
        size = 0;
      }
      appendFileSync(file, line);
      size += Buffer.byteLength(line);
    } catch (thrown) {
      if (!broken) process.stderr.write(`The log cannot be written. ${String(thrown)}\n`);
      broken = true;
      // Without the stack: a terminal is read by a person.
      process.stderr.write(`${line.split('\n', 1)[0] ?? ''}\n`);
    }
  };
  return {
    info: (message) => write('info', message),
    error: (message, thrown) => write('error', `${message}\n${stackOf(thrown)}`),
  };
}

export function stackOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  const { stack, message, cause } = thrown;
  return (stack ?? message) + (cause === undefined ? '' : `\ncaused by: ${stackOf(cause)}`);
}
