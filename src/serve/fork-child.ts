import { fork } from 'node:child_process';
import type { EngineHandle } from '../host/engine-handle';

/** Forks the engine as a child process; its output goes to our stderr, stdout stays ours. */
export function forkChild(entry: string, env: Record<string, string>): EngineHandle {
  const child = fork(entry, [], {
    env: { ...process.env, ...env },
    execArgv: [],
    serialization: 'advanced', // typed arrays cross as they are
    stdio: ['ignore', 2, 2, 'ipc'],
  });
  let ended = false;
  return {
    get pid() {
      return child.pid;
    },
    postMessage(message) {
      // A channel that closes meanwhile is told by the exit.
      if (child.connected) child.send(message, () => undefined);
    },
    onMessage: (handler) => void child.on('message', handler),
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
