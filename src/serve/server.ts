import { createServer } from 'node:http';
import type { IncomingMessage, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { AppError } from '@shared/errors';
import type { HostState } from '@shared/protocol/host';
import { WebSocketServer } from 'ws';
import { engineEnv } from '../host/engine-env';
import type { EngineEnv } from '../host/engine-env';
import type { Fork } from '../host/engine-handle';
import { pageFiles } from '../host/page-files';
import { logTail } from '../host/log-tail';
import { createSupervisor } from '../host/supervisor';
import type { Supervisor } from '../host/supervisor';
import { forkChild } from './fork-child';
import { Gate } from './gate';
import { answerPages } from './pages';
import { Relay } from './relay';

export const DEFAULT_PORT = 4823;
const SOCKET_PATH = '/ws';
const MAX_CLIENTS = 64;
/** One message of a window: a notebook of 4 million characters fits. */
const MAX_PAYLOAD = 8 * 1024 * 1024;

export interface ServerOptions extends EngineEnv {
  /** Folder of the built page. */
  page: string;
  /** Script of the engine process. */
  engineEntry: string;
  /** Given: this port or an error. Left out: the default one, or a free one. */
  port?: number;
  onState?: (state: HostState) => void;
  /** For tests: another way to make an engine. */
  fork?: Fork;
}

export interface RunningServer {
  port: number;
  supervisor: Supervisor;
  /** An address with a new token: good once. */
  signInUrl(): string;
  /** Ends the engine (a checkpoint is written) and the server. */
  close(): Promise<void>;
}

/**
 * Serves the page and the engine on 127.0.0.1 only.
 *
 * @throws AppError `unavailable` when the port is in use, `not_found` when the page is not built
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const files = pageFiles(options.page);
  const server = createServer({ headersTimeout: 5000, requestTimeout: 10_000 });
  server.maxConnections = 4 * MAX_CLIENTS;
  const port = await listen(server, options.port);
  const gate = new Gate(port);

  const env = engineEnv(options);
  const fork: Fork = options.fork ?? ((more) => forkChild(options.engineEntry, more));
  const supervisor: Supervisor = createSupervisor({
    fork: (more) => fork({ ...env, ...more }),
    onChange: (state) => {
      relay.tell(state);
      options.onState?.(state);
    },
    onMessage: (message) => relay.deliver(message),
    log: () => logTail(options.workspace),
  });
  const relay = new Relay({
    state: () => supervisor.state,
    engine: () => supervisor.engine,
    restart: () => supervisor.restart(),
  });
  const loading = (): void => supervisor.engine?.postMessage({ type: 'loading' });
  server.on('request', answerPages(gate, { folder: options.page, files }, port, loading));
  const sockets = acceptSockets(server, gate, relay);
  supervisor.start();

  return {
    port,
    supervisor,
    signInUrl: () => `http://127.0.0.1:${port}/?token=${gate.mintToken()}`,
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      await supervisor.stop();
      relay.close();
      sockets.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function acceptSockets(server: Server, gate: Gate, relay: Relay): WebSocketServer {
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_PAYLOAD,
    maxFragments: 1024,
    maxBufferedChunks: 16 * 1024,
    perMessageDeflate: false,
  });
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const refuse = (status: string): void => {
      socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
    };
    socket.on('error', () => socket.destroy());
    const verdict = gate.judge(request, true);
    if (verdict === 'sign-in') return refuse('401 Unauthorized');
    if (verdict !== 'pass') return refuse('403 Forbidden');
    if (request.url !== SOCKET_PATH) return refuse('404 Not Found');
    if (relay.size >= MAX_CLIENTS) return refuse('503 Service Unavailable');
    sockets.handleUpgrade(request, socket, head, (client) => relay.add(client));
  });
  return sockets;
}

async function listen(server: Server, wanted: number | undefined): Promise<number> {
  const attempt = (port: number): Promise<number> =>
    new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen({ port, host: '127.0.0.1' }, () => {
        server.removeListener('error', reject);
        resolve((server.address() as AddressInfo).port);
      });
    });
  try {
    return await attempt(wanted ?? DEFAULT_PORT);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (wanted === undefined) return attempt(0);
    if (code === 'EADDRINUSE') {
      throw new AppError('unavailable', `Port ${wanted} is in use by another program.`, {
        remedy: 'Choose another with --port, or leave it out for a free one.',
        cause,
      });
    }
    if (code === 'EACCES') {
      throw new AppError('unavailable', `Port ${wanted} may not be used by this user.`, {
        remedy: 'Choose one above 1023 with --port, or leave it out for a free one.',
        cause,
      });
    }
    throw cause;
  }
}
