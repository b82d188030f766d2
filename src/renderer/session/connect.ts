import { createClient } from '@shared/protocol/client';
import { AppError } from '@shared/errors';
import type { Client } from '@shared/protocol/client';
import type { Transport } from '@shared/protocol/transport';
import { HostStateSchema } from './host-state';
import type { HostState } from '@shared/protocol/host';
import { Desktop } from './desktop';
import { Pipe } from './pipe';

/** What a window is given to speak to its engine, whichever host it lives in. */
export interface Link {
  client: Client;
  onHost(handler: (state: HostState) => void): void;
  /** Asks the host to start the engine again, after it was given up or fell silent. */
  restart(): void;
  /** The desktop around the window; undefined in a browser. */
  desk?: Desktop | undefined;
}

/** Connects to the host that opened this page: a port from the desktop, or its own server. */
export function connectToHost(page: Window): Link {
  const handlers = new Set<(state: HostState) => void>();
  let latest: HostState | undefined;
  const told = (value: unknown): HostState | undefined => {
    const parsed = HostStateSchema.safeParse(value);
    if (!parsed.success) return undefined;
    latest = parsed.data;
    for (const handler of handlers) handler(parsed.data);
    return parsed.data;
  };
  // Served pages come over http; the desktop's come from a file or its own scheme.
  const served =
    page.location.protocol.startsWith('http') && !page.navigator.userAgent.includes('Electron');
  const road = served ? overSocket(page, told) : overPort(page, told);
  return {
    restart: road.restart,
    desk: served ? undefined : new Desktop(page),
    client: createClient(road.connect, { report: (error) => console.error(error) }),
    onHost: (handler) => {
      handlers.add(handler);
      if (latest) handler(latest);
    },
  };
}

type Told = (value: unknown) => HostState | undefined;

interface Road {
  connect(): Promise<Transport>;
  restart(): void;
}

function overSocket(page: Window, told: Told): Road {
  const scheme = page.location.protocol === 'https:' ? 'wss' : 'ws';
  let current: WebSocket | undefined;
  /** Asked while no socket was open, as between an engine's end and the next attempt. */
  let wanted = false;
  const restart = (): void => {
    wanted = current?.readyState !== WebSocket.OPEN;
    if (!wanted) current?.send('{"protodiff":"restart"}');
  };
  const connect = (): Promise<Transport> =>
    new Promise((resolve, reject) => {
      const socket = new WebSocket(`${scheme}://${page.location.host}/ws`);
      current = socket;
      socket.binaryType = 'arraybuffer';
      const pipe = new Pipe(
        (bytes) => socket.send(bytes),
        () => socket.close(),
      );
      socket.onopen = () => {
        resolve(pipe);
        if (wanted) restart();
      };
      socket.onmessage = ({ data }: MessageEvent<unknown>) => {
        if (data instanceof ArrayBuffer) pipe.receive(new Uint8Array(data));
        else if (typeof data === 'string') told(parseJson(data));
      };
      socket.onclose = ({ reason }) => {
        const why = reason || 'The server does not answer.';
        pipe.shut(why);
        reject(new AppError('unavailable', why));
      };
    });
  return { connect, restart };
}

function overPort(page: Window, told: Told): Road {
  let current: Pipe | undefined;
  let waiting: ((transport: Transport) => void) | undefined;
  let offered: Pipe | undefined;
  page.addEventListener('message', (event: MessageEvent<unknown>) => {
    if (event.source !== page) return;
    const { data } = event;
    if (typeof data !== 'object' || data === null || !('protodiff' in data)) return;
    if (data.protodiff === 'host') {
      const state = told(data);
      // A port does not tell that its other end has died.
      if (state?.state === 'crashed' || state?.state === 'gave_up') current?.close(state.detail);
    }
    const port = event.ports[0];
    if (data.protodiff !== 'port' || !port) return;
    current?.shut('The engine was started again.');
    const pipe = new Pipe(
      (bytes) => port.postMessage(bytes),
      () => port.close(),
    );
    current = pipe;
    port.onmessage = ({ data: bytes }: MessageEvent<unknown>) => {
      if (bytes instanceof Uint8Array) pipe.receive(bytes);
      else if (bytes instanceof ArrayBuffer) pipe.receive(new Uint8Array(bytes));
    };
    if (waiting) {
      waiting(pipe);
      waiting = undefined;
    } else {
      offered = pipe;
    }
  });
  const say = (words: string): void => page.postMessage(words, page.location.origin);
  say('protodiff:ready');
  const connect = (): Promise<Transport> => {
    const ready = offered;
    offered = undefined;
    if (ready && !ready.isShut) return Promise.resolve(ready);
    return new Promise((resolve) => (waiting = resolve));
  };
  return { connect, restart: () => say('protodiff:restart') };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    console.error('The server sent a text that is not JSON.', cause);
    return undefined;
  }
}
