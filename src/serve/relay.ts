import type { FromEngine, HostState } from '@shared/protocol/host';
import { addressed } from '@shared/protocol/frame';
import { ENGINE_RESTARTED } from '@shared/protocol/host';
import { WebSocket } from 'ws';
import type { RawData } from 'ws';
import type { EngineHandle } from '../host/engine-handle';

/** A window that has not taken this much is gone for good. */
const MAX_BUFFERED = 64 * 1024 * 1024;
/** For a window with this much unread the engine makes nothing more, until it has read most of it. */
const UNREAD = { hold: 8 * 1024 * 1024, resume: 1024 * 1024 };

/** Bytes kept for a window that came while there was no engine: its greeting, in practice. */
const MAX_WAITING = 1024 * 1024;

interface RelayHost {
  state(): HostState;
  engine(): EngineHandle | undefined;
  /** The window asks for a restart of an engine that was given up or does not respond. */
  restart(): void;
}

interface Window {
  socket: WebSocket;
  /** Whether the present engine has been told of it. */
  open: boolean;
  /** It has much unread, which the engine has been told. */
  held: boolean;
  waiting: Uint8Array[];
}

/**
 * Carries frames between the windows' sockets and the engine process, which never sees a socket.
 * Binary frames are the protocol's; text frames tell the window how the engine fares.
 */
export class Relay {
  private next = 1;
  private readonly windows = new Map<number, Window>();

  constructor(private readonly host: RelayHost) {}

  get size(): number {
    return this.windows.size;
  }

  add(socket: WebSocket): void {
    const client = this.next++;
    const window: Window = { socket, open: false, held: false, waiting: [] };
    this.windows.set(client, window);
    socket.on('message', (data, isBinary) => {
      if (isBinary) this.forward(client, window, bytesOf(data));
      else if (String(data) === '{"protodiff":"restart"}') this.host.restart();
      else socket.close(1003, 'Text is not spoken here.');
    });
    // 'close' follows and tells the engine.
    socket.on('error', () => socket.terminate());
    socket.on('close', () => {
      if (!this.windows.delete(client) || !window.open) return;
      this.host.engine()?.postMessage({ type: 'close', client, reason: 'The window has gone.' });
    });
    socket.send(JSON.stringify(this.host.state()));
    this.open(client, window);
  }

  /** What the engine sends to a window. */
  deliver(message: FromEngine): void {
    if (message.type !== 'data' && message.type !== 'close') return;
    const { client } = message;
    const window = this.windows.get(client);
    if (window === undefined) return;
    const { socket } = window;
    if (message.type === 'close') {
      this.windows.delete(client);
      socket.close(1000, clip(message.reason));
    } else if (socket.bufferedAmount > MAX_BUFFERED) socket.terminate();
    else if (socket.readyState === WebSocket.OPEN) {
      const { bytes, to } = message;
      const frame = to === undefined ? bytes : addressed(bytes, to.stream, to.seq);
      socket.send(frame, { binary: true }, () => this.flow(client, window));
      this.flow(client, window);
    }
  }

  private flow(client: number, window: Window): void {
    const held = window.socket.bufferedAmount > (window.held ? UNREAD.resume : UNREAD.hold);
    if (held === window.held) return;
    window.held = held;
    this.host.engine()?.postMessage({ type: 'flow', client, open: !held });
  }

  /** To be called at every change. The windows of an engine that has ended connect anew. */
  tell(state: HostState): void {
    const text = JSON.stringify(state);
    const gone = this.host.engine() === undefined;
    for (const [client, window] of this.windows) {
      if (window.socket.readyState === WebSocket.OPEN) window.socket.send(text);
      if (!gone) this.open(client, window);
      else if (window.open) {
        this.windows.delete(client);
        window.socket.close(ENGINE_RESTARTED, clip(state.detail));
      }
    }
  }

  close(): void {
    for (const { socket } of this.windows.values()) {
      socket.close(1001, 'Protodiff has been closed.');
    }
    this.windows.clear();
  }

  private open(client: number, window: Window): void {
    const engine = this.host.engine();
    if (engine === undefined || window.open) return;
    window.open = true;
    engine.postMessage({ type: 'open', client });
    for (const bytes of window.waiting.splice(0)) {
      engine.postMessage({ type: 'data', client, bytes });
    }
  }

  private forward(client: number, window: Window, bytes: Uint8Array): void {
    if (window.open) {
      this.host.engine()?.postMessage({ type: 'data', client, bytes });
      return;
    }
    window.waiting.push(bytes);
    const held = window.waiting.reduce((sum, { length }) => sum + length, 0);
    if (held > MAX_WAITING) window.socket.close(1013, 'There is no engine yet.');
  }
}

function bytesOf(data: RawData): Uint8Array {
  if (Array.isArray(data)) return Buffer.concat(data);
  return data instanceof ArrayBuffer ? new Uint8Array(data) : data;
}

/** A close reason holds 123 bytes of UTF-8. */
function clip(reason: string): string {
  return Buffer.from(reason)
    .subarray(0, 120)
    .toString()
    .replace(/\uFFFD+$/, '');
}
