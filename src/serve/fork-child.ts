import { fork } from 'node:child_process';
import type { ToEngine } from '@shared/protocol/host';
import type { EngineHandle } from '../host/engine-handle';
import { execArgv } from '../host/engine-process.json';

/**
 * Forks the engine as a child process; its output goes to our stderr, stdout stays ours. Its young
 * objects have 4 MB, always: V8 would let them have 1 to 16, more and less by chance, and what is
 * large lies elsewhere.
 */
export function forkChild(entry: string, env: Record<string, string>): EngineHandle {
  const child = fork(entry, [], {
    env: { ...process.env, ...env },
    execArgv,
    serialization: 'advanced', // typed arrays cross as they are
    stdio: ['ignore', 2, 2, 'ipc'],
  });
  let ended = false;
  let unsent: ToEngine[] = [];
  const flush = (): void => {
    const messages = unsent;
    unsent = [];
    // A channel that closes meanwhile is told by the exit.
    if (child.connected) child.send(messages, () => undefined);
  };
  return {
    get pid() {
      return child.pid;
    },
    postMessage(message) {
      // After what the sockets have brought in this turn: an engine reads between two steps.
      if (unsent.push(message) === 1) setImmediate(flush);
    },
    onMessage: (handler) =>
      void child.on('message', (messages) => (messages as unknown[]).forEach(handler)),
    onExit: (handler) => {
      const once = (code: number | null, signal: string | null): void => {
        if (ended) return;
        ended = true;
        handler(code, signal);
      };
      child.on('exit', once);
      // No process could be made at all.
      child.on('error', (error) => once(null, error.message));
    },
    kill: () => void child.kill('SIGKILL'),
  };
}
