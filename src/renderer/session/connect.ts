import { createClient } from '@shared/protocol/client';
import type { Client } from '@shared/protocol/client';
import type { Transport } from '@shared/protocol/transport';
import { HostStateSchema } from './host-state';
import type { HostState } from './host-state';
import { Pipe } from './pipe';

/** What a window is given to speak to its engine, whichever host it lives in. */
export interface Link {
  client: Client;
  onHost(handler: (state: HostState) => void): void;
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
  const connect = served ? overSocket(page, told) : overPort(page, told);
  return {
    client: createClient(connect, { report: (error) => console.error(error) }),
    onHost: (handler) => {
      handlers.add(handler);
      if (latest) handler(latest);
    },
  };
}

type Told = (value: unknown) => HostState | undefined;

function overSocket(page: Window, told: Told): () => Promise<Transport> {
  const scheme = page.location.protocol === 'https:' ? 'wss' : 'ws';
  return () =>
    new Promise((resolve, reject) => {
      const socket = new WebSocket(`${scheme}://${page.location.host}/ws`);
      socket.binaryType = 'arraybuffer';
      const pipe = new Pipe(
        (bytes) => socket.send(bytes),
        () => socket.close(),
      );
      socket.onopen = () => resolve(pipe);
      socket.onmessage = ({ data }: MessageEvent<unknown>) => {
        if (data instanceof ArrayBuffer) pipe.receive(new Uint8Array(data));
        else if (typeof data === 'string') leave(pipe, told(parseJson(data)));
      };
      socket.onclose = ({ reason }) => {
        const why = reason || 'The server does not answer.';
        pipe.shut(why);
        reject(new Error(why));
      };
    });
}

function overPort(page: Window, told: Told): () => Promise<Transport> {
  let current: Pipe | undefined;
  let waiting: ((transport: Transport) => void) | undefined;
  let offered: Pipe | undefined;
  page.addEventListener('message', (event: MessageEvent<unknown>) => {
    if (event.source !== page) return;
    const { data } = event;
    if (typeof data !== 'object' || data === null || !('protodiff' in data)) return;
    if (data.protodiff === 'host') leave(current, told(data));
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
  page.postMessage('protodiff:ready', '*');
  return () => {
    const ready = offered;
    offered = undefined;
    if (ready && !ready.isShut) return Promise.resolve(ready);
    return new Promise((resolve) => (waiting = resolve));
  };
}

// A port does not tell that its other end has died; the host does.
function leave(pipe: Pipe | undefined, state: HostState | undefined): void {
  if (state?.state === 'crashed' || state?.state === 'gave_up') pipe?.close(state.detail);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    console.error('The server sent a text that is not JSON.', cause);
    return undefined;
  }
}
