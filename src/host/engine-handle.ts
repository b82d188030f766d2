import type { ToEngine } from '@shared/protocol/host';

/** A running engine process, whichever way the host forks one. */
export interface EngineHandle {
  /** Undefined until the process exists. */
  readonly pid: number | undefined;
  /** Ignored once the process has gone. `ports` only where the host has such things. */
  postMessage(message: ToEngine, ports?: unknown[]): void;
  onMessage(handler: (message: unknown) => void): void;
  /** Called once. */
  onExit(handler: (code: number | null, signal: string | null) => void): void;
  kill(): void;
}

export type Fork = (env: Record<string, string>) => EngineHandle;
