import type { ErrorBody } from '../errors';

/** How the engine process fares, as its host sees it; windows show `detail`. */
export interface HostState {
  state: 'starting' | 'ready' | 'crashed' | 'gave_up' | 'not_responding';
  /** A sentence: what happened, and what happens next or is to be done. */
  detail: string;
  /** Unix ms. */
  at: number;
  /** Of an engine that was given up: the last lines of its log. */
  log?: string[] | undefined;
}

/**
 * What host and engine process tell each other besides the frames. `open`, `data` and `close`
 * relay one window each where no port can be handed over; a `port` message carries one. Between a host
 * and a forked child a list of these is one message: what was said in one turn.
 */
export type ToEngine =
  | { type: 'port' }
  | { type: 'open'; client: number }
  /** A page begins to load, which will be a window soon. */
  | { type: 'loading' }
  | { type: 'data'; client: number; bytes: Uint8Array }
  | { type: 'close'; client: number; reason: string }
  /** A window has much unread (false), or has read most of it (true). */
  | { type: 'flow'; client: number; open: boolean }
  /** Write a checkpoint, release the run, exit. */
  | { type: 'stop' };

export type FromEngine =
  | { type: 'heartbeat' }
  | { type: 'ready' }
  /** The engine cannot start, and trying again would not help. */
  | { type: 'failed'; error: ErrorBody }
  /** With `to`, `bytes` are those of other windows too: what stands in `to` belongs into their prefix. */
  | { type: 'data'; client: number; bytes: Uint8Array; to?: { stream: number; seq: number } }
  | { type: 'close'; client: number; reason: string };

/** WebSocket close code: the engine was restarted; connect again. */
export const ENGINE_RESTARTED = 4001;

/** What a host tells a new engine about the one before it (environment PROTODIFF_RECOVER). */
export interface Recovery {
  /** Of the engine that ended; the store knows which run it was writing. */
  pid: number;
  /** How it ended, e.g. `signal SIGKILL`. */
  exit: string;
}

export const HEARTBEAT_MS = 1000;
