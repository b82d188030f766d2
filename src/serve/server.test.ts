import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createClient } from '@shared/protocol/client';
import { fakeService } from '@shared/protocol/testing';
import type { Transport } from '@shared/protocol/transport';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { DEFAULT_PORT, startServer } from './server';
import type { RunningServer } from './server';
import { FakeEngine, ask, askRaw, fakePage, signIn, socketTransport } from './testing';

const engines: FakeEngine[] = [];
const service = fakeService({ answers: { 'runs.list': () => ({ runs: [] }) } });
const page = fakePage(afterAll);
const base = {
  ...{ page, workspace: '/w', resources: '/r', importer: '/i', version: '0', engineEntry: '/e' },
  fork: () => {
    const engine = new FakeEngine(service);
    engines.push(engine);
    return engine;
  },
};

let server: RunningServer;
let port: number;
let cookie: string;

beforeAll(async () => {
  // The way out that a server which joined paths would take.
  writeFileSync(join(page, '..', 'protodiff-secret.txt'), 'secret');
  symlinkSync(join(page, '..', 'protodiff-secret.txt'), join(page, 'link.txt'));
  server = await startServer({ ...base, port: await freePort() });
  port = server.port;
  cookie = await signIn(port, server.signInUrl());
});
afterAll(() => server.close());

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((done) => probe.listen(0, '127.0.0.1', done));
  const { port: free } = probe.address() as AddressInfo;
  await new Promise((done) => probe.close(done));
  return free;
}

describe('the page', () => {
  it('comes with its policy to whoever has the cookie', async () => {
    const answer = await ask(port, '/', { headers: { cookie } });
    expect(answer.status).toBe(200);
    // The engine lets it have the processor.
    expect(engines.at(-1)?.told).toContainEqual({ type: 'loading' });
    expect(answer.body).toContain('<title>Protodiff');
    expect(answer.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(answer.headers['content-security-policy']).toContain("default-src 'none'");
    expect(answer.headers['content-security-policy']).toContain("frame-ancestors 'none'");
    expect(answer.headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
    });
    const script = await ask(port, '/assets/index.js?v=1', { headers: { cookie } });
    expect(script.headers['content-type']).toBe('text/javascript; charset=utf-8');
    const head = await ask(port, '/', { method: 'HEAD', headers: { cookie } });
    expect([head.status, head.body]).toEqual([200, '']);
  });

  it.each([
    ...['/../protodiff-secret.txt', '/..%2fprotodiff-secret.txt', '/%2e%2e/protodiff-secret.txt'],
    ...['/assets/../../protodiff-secret.txt', '/..\\protodiff-secret.txt', '/link.txt'],
    ...['/%252e%252e%252fprotodiff-secret.txt', '/assets/..;/..;/protodiff-secret.txt'],
    ...['//etc/passwd', '/etc/passwd', '/assets', '/assets/', '/index.js%00.html', '/__proto__'],
    `/${'a/'.repeat(4000)}`,
  ])('has no file at %s', async (path) => {
    const answer = await ask(port, path, { headers: { cookie } });
    expect(answer.status).toBe(404);
    expect(answer.body).not.toContain('secret');
  });

  it('may only be read', async () => {
    const headers = { cookie, origin: `http://127.0.0.1:${port}` };
    expect((await ask(port, '/', { method: 'POST', headers })).status).toBe(405);
    const foreign = { cookie, origin: 'http://evil.example' };
    expect((await ask(port, '/', { method: 'POST', headers: foreign })).status).toBe(403);
    expect((await ask(port, '/', { method: 'DELETE', headers: { cookie } })).status).toBe(403);
  });
});

describe('without the cookie', () => {
  it.each(['/', '/index.html', '/assets/index.js', '/nothing', '/ws', '/?token', '/x?token=a'])(
    '%s is refused',
    async (path) => {
      expect((await ask(port, path)).status).toBe(401);
      const wrong = { cookie: `protodiff-${port}=wrong` };
      expect((await ask(port, path, { headers: wrong })).status).toBe(401);
      const other = { cookie: cookie.replace(`${port}`, '1') };
      expect((await ask(port, path, { headers: other })).status).toBe(401);
    },
  );

  it('a token lets in once, leaves the URL, and is refused the second time', async () => {
    const { pathname, search } = new URL(server.signInUrl());
    const first = await ask(port, pathname + search);
    expect([first.status, first.headers.location]).toEqual([303, '/']);
    expect(first.headers['set-cookie']?.[0]).toMatch(/; HttpOnly; SameSite=Strict$/);
    expect(first.headers['referrer-policy']).toBe('no-referrer');
    const second = await ask(port, pathname + search);
    expect(second.status).toBe(401);
    expect(second.body).toContain('each works once');
    expect(second.body).not.toContain(search.slice(7));
    expect(second.headers['set-cookie']).toBeUndefined();
    const known = await ask(port, pathname + search, { headers: { cookie } });
    expect([known.status, known.headers.location]).toEqual([303, '/']);
  });

  it('a guessed token is refused, also one for the upgrade', async () => {
    expect((await ask(port, '/?token=guess')).status).toBe(401);
    const { search } = new URL(server.signInUrl());
    const line = await upgrade({ path: `/ws${search}`, cookie: undefined });
    expect(line).toContain('401');
  });
});

const hosts = (): string[] => [
  ...['evil.example', `evil.example:${port}`, `127.0.0.1.nip.io:${port}`, `0.0.0.0:${port}`],
  ...[`192.168.0.1:${port}`, `localhost.:${port}`, `[::1]:${port}`, '127.0.0.1', 'localhost', ''],
  ...[`127.0.0.1:${port + 1}`, `LOCALHOST:${port}x`, `127.1:${port}`, `2130706433:${port}`],
];

async function upgrade(options: {
  path?: string;
  host?: string;
  origin?: string | null;
  cookie?: string | undefined;
  more?: string;
}): Promise<string> {
  const host = options.host ?? `127.0.0.1:${port}`;
  const origin = options.origin === undefined ? `http://${host}` : options.origin;
  const lines = [
    `GET ${options.path ?? '/ws'} HTTP/1.1`,
    `Host: ${host}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    ...(origin === null ? [] : [`Origin: ${origin}`]),
    ...('cookie' in options ? [] : [`Cookie: ${cookie}`]),
    ...(options.cookie === undefined ? [] : [`Cookie: ${options.cookie}`]),
    ...(options.more === undefined ? [] : [options.more]),
  ];
  return askRaw(port, `${lines.join('\r\n')}\r\n\r\n`);
}

describe('a request from elsewhere', () => {
  it('is refused by its Host, cookie or not, page or socket', async () => {
    for (const host of hosts()) {
      const text = `GET / HTTP/1.1\r\nHost: ${host}\r\nCookie: ${cookie}\r\nConnection: close\r\n\r\n`;
      expect(await askRaw(port, text), host).toMatch(/ 403 /);
      const origin = `http://127.0.0.1:${port}`;
      expect(await upgrade({ host, origin }), host).toMatch(/ 403 /);
    }
  });

  it.each([
    ['two hosts', (own: string) => `GET / HTTP/1.1\r\nHost: ${own}\r\nHost: evil.example`],
    ['a whole URL', (own: string) => `GET http://evil.example/ HTTP/1.1\r\nHost: ${own}`],
    [
      'a proxy',
      (own: string) => `GET / HTTP/1.1\r\nHost: ${own}\r\nX-Forwarded-Host: evil.example`,
    ],
  ])('is refused with %s', async (_name, head) => {
    const text = `${head(`127.0.0.1:${port}`)}\r\nCookie: ${cookie}\r\nConnection: close\r\n\r\n`;
    expect(await askRaw(port, text)).toMatch(/ 40[03] /);
  });

  it('is refused a socket by its Origin', async () => {
    const origins = [null, 'null', 'file://', 'http://evil.example', `https://127.0.0.1:${port}`];
    origins.push(
      `http://localhost:${port}`,
      `http://127.0.0.1:${port + 1}`,
      'chrome-extension://a',
    );
    for (const origin of origins)
      expect(await upgrade({ origin }), String(origin)).toMatch(/ 403 /);
    expect(await upgrade({ cookie: undefined })).toMatch(/ 401 /);
    expect(await upgrade({ cookie: `protodiff-${port}=x` })).toMatch(/ 401 /);
    expect(await upgrade({ path: '/' })).toMatch(/ 404 /);
    expect(await upgrade({ more: 'X-Forwarded-Host: evil.example' })).toMatch(/ 403 /);
  });
});

describe('the socket', () => {
  const open: Transport[] = [];
  const texts: string[] = [];
  const connect = async (): Promise<Transport> => {
    const transport = await socketTransport(port, cookie, texts);
    open.push(transport);
    return transport;
  };

  it('carries the protocol, and survives nonsense and the death of the engine', async () => {
    const client = createClient(connect);
    expect(await client.request('runs.list', {})).toEqual({ runs: [] });
    expect(JSON.parse(texts[0] ?? '')).toMatchObject({ state: 'ready' });

    open[0]?.send(new Uint8Array([1, 2, 3]));
    expect(await client.request('runs.list', {})).toEqual({ runs: [] });

    engines.at(-1)?.die(null, 'SIGKILL');
    await vi.waitFor(() => expect(client.state.state).toBe('lost'));
    expect(client.state.reason).toContain('signal SIGKILL');
    expect((open[0] as { code?: number }).code).toBe(4001);
    expect(await client.request('runs.list', {})).toEqual({ runs: [] });
    const states = (): string[] =>
      texts.map((text) => (JSON.parse(text) as { state: string }).state);
    expect(states()).toContain('crashed');
    // What was asked along with the greeting may be answered first.
    await vi.waitFor(() => expect(states().at(-1)).toBe('ready'));
    expect(engines).toHaveLength(2);
    client.close();
  });

  it('is closed on a message that is too large, or a text', async () => {
    const big = (await connect()) as Transport & { code?: number };
    big.send(new Uint8Array(9 * 1024 * 1024));
    await vi.waitFor(() => expect(big.code).toBe(1009));
    const client = createClient(connect);
    expect(await client.request('runs.list', {})).toEqual({ runs: [] });
    client.close();
  });

  it('is refused beyond 64 of them', async () => {
    const many = await Promise.all(Array.from({ length: 64 }, connect));
    await expect(connect()).rejects.toThrow('503');
    for (const transport of many) transport.close();
  });
});

describe('a port in use', () => {
  it('is told when it was asked for, and avoided when not', async () => {
    await expect(startServer({ ...base, port })).rejects.toMatchObject({
      code: 'unavailable',
      message: `Port ${port} is in use by another program.`,
      remedy: 'Choose another with --port, or leave it out for a free one.',
    });
    const first = await startServer(base);
    const second = await startServer(base);
    expect(second.port).not.toBe(first.port);
    expect(second.port).not.toBe(DEFAULT_PORT);
    await Promise.all([first.close(), second.close()]);
  });
});

it('a page that was built again under the server is served as it is now', async () => {
  const built = fakePage(onTestFinished);
  const server = await startServer({ ...base, page: built });
  const headers = { cookie: await signIn(server.port, server.signInUrl()) };
  const status = async (path: string): Promise<number> =>
    (await ask(server.port, path, { headers })).status;
  rmSync(built, { recursive: true });
  expect(await status('/')).toBe(503);
  mkdirSync(join(built, 'assets'), { recursive: true });
  writeFileSync(join(built, 'index.html'), 'new');
  writeFileSync(join(built, 'assets', 'index-new.js'), 'export {};');
  expect(await status('/')).toBe(200);
  expect(await status('/assets/index-new.js')).toBe(200);
  expect(await status('/assets/index.js')).toBe(404);
  await server.close();
});

it('a page that was not built is told with its remedy', async () => {
  await expect(startServer({ ...base, page: join(page, 'assets') })).rejects.toMatchObject({
    code: 'not_found',
    remedy: 'Build it with: npm run build',
  });
});
