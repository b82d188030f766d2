import { utilityProcess } from 'electron';
import type { MessagePortMain } from 'electron';
import type { EngineHandle } from '../host/engine-handle';

/** Forks the engine as an Electron utility process. */
export function forkUtility(entry: string, env: Record<string, string>): EngineHandle {
  const child = utilityProcess.fork(entry, [], {
    env: { ...process.env, ...env },
    stdio: 'inherit',
    serviceName: 'Protodiff engine',
  });
  // Electron forgets the id at the exit, when the supervisor needs it.
  let pid: number | undefined;
  let gone = false;
  child.once('spawn', () => (pid = child.pid));
  return {
    get pid() {
      return pid ?? child.pid;
    },
    postMessage(message, ports = []) {
      if (!gone) child.postMessage(message, ports as MessagePortMain[]);
    },
    onMessage: (handler) => void child.on('message', handler),
    onExit: (handler) =>
      void child.once('exit', (code) => {
        gone = true;
        handler(code, null);
      }),
    kill() {
      // Electron's own kill asks politely, which an engine that hangs does not hear.
      if (pid === undefined || gone) child.kill();
      else process.kill(pid, 'SIGKILL');
    },
  };
}
