import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { BufferedTransport } from '@shared/protocol/buffered-transport';
import { PROTOCOL_VERSION } from '@shared/protocol/contract';
import { encodeFrame } from '@shared/protocol/frame';
import type { Frame, FrameKind } from '@shared/protocol/frame';
import type { FromEngine, ToEngine } from '@shared/protocol/host';
import { serve } from '@shared/protocol/server';
import type { Service } from '@shared/protocol/service';
import type { Transport } from '@shared/protocol/transport';
import { build } from 'vite';
import { WebSocket } from 'ws';
import type { EngineHandle } from '../host/engine-handle';

/** For tests: an engine in this process, behind the messages that a forked one would get. */
export class FakeEngine implements EngineHandle {
  readonly pid = 4711;
  readonly told: ToEngine[] = [];
  private readonly clients = new Map<number, End>();
  private message: (message: FromEngine) => void = () => undefined;
  private exited: (code: number | null, signal: string | null) => void = () => undefined;

  constructor(private readonly service: Service) {
    setImmediate(() => this.message({ type: 'ready' }));
  }

  postMessage(message: ToEngine): void {
    this.told.push(message);
    if (message.type === 'stop') return this.die(0, null);
    if (message.type === 'open') {
      const { client } = message;
      const end = new End((bytes) => this.message({ type: 'data', client, bytes }));
      this.clients.set(client, end);
      serve(this.service, end, { checkOutputs: true });
    }
    if (message.type === 'flow') this.clients.get(message.client)?.flow(message.open);
    if (message.type === 'data') this.clients.get(message.client)?.receive(message.bytes);
    if (message.type === 'close') this.clients.get(message.client)?.shut(message.reason);
  }

  onMessage(handler: (message: unknown) => void): void {
    this.message = handler;
  }

  onExit(handler: (code: number | null, signal: string | null) => void): void {
    this.exited = handler;
  }

  kill(): void {
    this.die(null, 'SIGKILL');
  }

  die(code: number | null, signal: string | null): void {
    this.message = () => undefined;
    for (const end of this.clients.values()) end.shut('died');
    this.exited(code, signal);
  }
}

class End extends BufferedTransport {
  flow: (open: boolean) => void = () => undefined;
  constructor(readonly send: (bytes: Uint8Array) => void) {
    super();
  }
  onFlow(handler: (open: boolean) => void): void {
    this.flow = handler;
  }
  close(reason = 'closed'): void {
    this.shut(reason);
  }
}

/** For tests: a built page, as far as the server looks at one, until `after` calls back. */
export function fakePage(after: (remove: () => void) => void): string {
  const outside = mkdtempSync(join(tmpdir(), 'protodiff-page-'));
  after(() => rmSync(outside, { recursive: true, force: true }));
  const folder = join(outside, 'page');
  mkdirSync(folder);
  mkdirSync(join(folder, 'assets'));
  writeFileSync(join(folder, 'index.html'), '<!doctype html><title>Protodiff</title>');
  writeFileSync(join(folder, 'assets', 'index.js'), 'export {};');
  return folder;
}

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

/** For tests: one HTTP request, its headers exactly as given. */
export function ask(
  port: number,
  path: string,
  { method = 'GET', headers = {} }: { method?: string; headers?: Record<string, string> } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const call = request({ host: '127.0.0.1', port, path, method, headers, agent: false });
    call.once('error', reject);
    call.once('response', (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (text: string) => (body += text));
      response.once('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
      );
    });
    call.end();
  });
}

/** For tests: bytes as they are, the first line of the answer. */
export function askRaw(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(text));
    let answer = '';
    socket.setEncoding('latin1');
    socket.on('data', (part: string) => (answer += part));
    socket.on('close', () => resolve(answer.split('\r\n', 1)[0] ?? ''));
    socket.on('error', reject);
  });
}

/** For tests: signs in as the opened browser does; the cookie. */
export async function signIn(port: number, url: string): Promise<string> {
  const { pathname, search } = new URL(url);
  const answer = await ask(port, pathname + search);
  const [cookie] = answer.headers['set-cookie'] ?? [];
  if (cookie === undefined) throw new Error(`no cookie: ${answer.status} ${answer.body}`);
  return cookie.split(';', 1)[0] ?? '';
}

/** For tests: the window's end of a socket, and the text frames that came over it. */
export function socketTransport(
  port: number,
  cookie: string,
  texts: string[],
): Promise<Transport & { code?: number }> {
  const host = `127.0.0.1:${port}`;
  const socket = new WebSocket(`ws://${host}/ws`, {
    headers: { cookie, origin: `http://${host}` },
  });
  class Socket extends BufferedTransport {
    code: number | undefined;
    send(bytes: Uint8Array): void {
      if (this.closed === undefined) socket.send(bytes);
    }
    close(reason = 'closed'): void {
      socket.close();
      this.shut(reason);
    }
  }
  const transport = new Socket();
  socket.on('message', (data, isBinary) => {
    // A copy begins where arrays may; a Buffer lies anywhere in a larger one.
    if (isBinary) transport.receive(new Uint8Array(data as Buffer));
    else texts.push(String(data));
  });
  socket.on('close', (code, reason) => {
    transport.code = code;
    transport.shut(String(reason) || 'closed');
  });
  return new Promise((resolve, reject) => {
    socket.once('open', () => resolve(transport));
    socket.once('error', reject);
  });
}

/** Builds `process-fixture.cjs`, an engine process for tests, into a folder of the repository. */
export async function buildFixture(outDir: string): Promise<void> {
  const root = resolve(import.meta.dirname, '../..');
  await build({
    root,
    configFile: false,
    logLevel: 'error',
    resolve: { alias: { '@shared': join(root, 'src/shared') } },
    ssr: { noExternal: true, external: ['libsql'] },
    build: {
      ssr: true,
      target: 'node16',
      outDir,
      rollupOptions: {
        input: { 'process-fixture': join(root, 'src/engine/testing/process-fixture.ts') },
        output: { format: 'cjs', entryFileNames: '[name].cjs' },
      },
    },
  });
}

/**
 * For tests: a client that subscribes to a run's curves and previews with so much credit, in ever more
 * streams where that is more than a window gives, and reads nothing unless it is told to.
 */
export function deafClient(port: number, cookie: string, credit: number): Socket {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => socket.destroy());
  socket.pause();
  const host = `127.0.0.1:${port}`;
  socket.write(
    `GET /ws HTTP/1.1\r\nHost: ${host}\r\nOrigin: http://${host}\r\nCookie: ${cookie}\r\n` +
      'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
      'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
  );
  const say = (kind: FrameKind, stream: number, body: Frame['body'], name?: string): void => {
    if (!socket.destroyed) socket.write(masked(encodeFrame({ kind, stream, seq: 0, name, body })));
  };
  setTimeout(() => {
    say('request', 1, { protocol: PROTOCOL_VERSION }, 'hello');
    const streams = credit > 4 ? 60 : 3;
    for (let stream = 2; stream <= streams; stream++) {
      say('subscribe', stream, { run: 'r' }, stream === 2 ? 'curves' : 'samples');
      say('credit', stream, { n: credit });
    }
  }, 300);
  return socket;
}

/** A WebSocket frame whose mask is zero, as the rules allow. */
function masked(bytes: Uint8Array): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt16BE(0x82fe);
  head.writeUInt16BE(bytes.length, 2);
  return Buffer.concat([head, bytes]);
}
