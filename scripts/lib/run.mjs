import { spawn } from 'node:child_process';

const KEPT = 200_000; // characters of each output kept for a message

/**
 * Runs a program to its end and never throws for its exit status.
 *
 * @param {string} command
 * @param {string[]} args
 * @param {object} [options] as for spawn, and:
 *   `timeout` ms in all; `idle` ms in which `progress()` may stay the same before it is killed;
 *   `progress` a number that grows while the program gets on; `watch` called with it four times a
 *   second; `onText` called with each piece of output
 * @returns {Promise<{code: number, signal: string | null, stdout: string, stderr: string,
 *   stopped: 'timeout' | 'idle' | undefined}>} code is -1 where a signal ended it or it never began
 */
export function run(command, args, options = {}) {
  const { timeout, idle, progress, watch, onText, ...rest } = options;
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...rest });
    const text = { stdout: '', stderr: '' };
    let stopped;
    const stop = (why) => {
      stopped = why;
      child.kill('SIGKILL');
    };
    const limit = timeout === undefined ? undefined : setTimeout(() => stop('timeout'), timeout);
    let before = -1;
    let moved = Date.now();
    const timer =
      progress === undefined
        ? undefined
        : setInterval(() => {
            const now = progress();
            watch?.(now);
            if (now !== before) {
              before = now;
              moved = Date.now();
            } else if (idle !== undefined && Date.now() - moved > idle) {
              stop('idle');
            }
          }, 250);
    for (const name of ['stdout', 'stderr']) {
      child[name]?.setEncoding('utf8').on('data', (piece) => {
        text[name] = (text[name] + piece).slice(-KEPT);
        onText?.(piece, name);
      });
    }
    const end = (code, signal) => {
      clearTimeout(limit);
      clearInterval(timer);
      resolve({ code: code ?? -1, signal, ...text, stopped });
    };
    child.on('error', (error) => {
      text.stderr += error.message;
      end(-1, null);
    });
    child.on('close', end);
  });
}

/** The last line of a program's output that says something, for a one-line message. */
export function lastLine({ stdout, stderr }) {
  const lines = `${stdout}\n${stderr}`.split('\n').map((line) => line.trim());
  return lines.filter((line) => line !== '').at(-1) ?? 'it printed nothing';
}
