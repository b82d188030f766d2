import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createClient } from '@shared/protocol/client';
import type { Client } from '@shared/protocol/client';
import type { HostState } from '@shared/protocol/host';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { forkChild } from './fork-child';
import { startServer } from './server';
import type { RunningServer } from './server';
import { buildFixture, fakePage, signIn, socketTransport } from './testing';

const root = resolve(import.meta.dirname, '../..');
// Inside the repository, so that the process finds its packages.
const built = join(root, 'test-results', `engine-process-${process.pid}`);
const entry = join(built, 'process-fixture.cjs');
const page = fakePage(afterAll);
let workspace: string;
let server: RunningServer | undefined;
const clients: Client[] = [];
const states: HostState[] = [];

beforeAll(() => buildFixture(built));
beforeEach(() => {
  workspace = mkdtempSync(join(tmpdir(), 'protodiff-workspace-'));
  states.length = 0;
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await server?.close();
  server = undefined;
  rmSync(workspace, { recursive: true, force: true });
});
afterAll(() => rmSync(built, { recursive: true, force: true }));

async function open(behaviour = ''): Promise<Client> {
  const running = await startServer({
    ...{ page, workspace, resources: '/r', importer: '/i', version: '0', engineEntry: entry },
    port: 0,
    onState: (state) => states.push(state),
    fork: (env) => forkChild(entry, { ...env, FIXTURE: behaviour }),
  });
  server = running;
  const cookie = await signIn(running.port, running.signInUrl());
  const client = createClient(() => socketTransport(running.port, cookie, []));
  clients.push(client);
  return client;
}

const pidFile = (): { pid: number } =>
  JSON.parse(readFileSync(join(workspace, 'engine.json'), 'utf8')) as { pid: number };
const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw thrown;
  }
};
const within = { timeout: 20_000, interval: 50 };

describe('an engine in a process of its own', () => {
  it('answers over a socket, dies, and is followed by one that knows', async () => {
    const client = await open();
    const name = async (): Promise<string | undefined> =>
      (await client.request('notebooks.list', {})).notebooks[0]?.name;
    expect(await name()).toBe('fresh');
    const { pid } = pidFile();
    process.kill(pid, 'SIGKILL');
    await vi.waitFor(() => expect(client.state.state).toBe('lost'), within);
    expect(states.at(-1)?.detail).toContain('signal SIGKILL');
    expect(await name()).toBe('signal SIGKILL');
    expect(pidFile().pid).not.toBe(pid);
  });

  it('closes its engine when asked to stop, and leaves no sign of life', async () => {
    const client = await open();
    await client.request('hello', { protocol: 1 });
    const { pid } = pidFile();
    await server?.close();
    server = undefined;
    expect(isAlive(pid)).toBe(false);
    expect(readFileSync(join(workspace, 'closed.txt'), 'utf8')).toBe('closed');
    expect(existsSync(join(workspace, 'engine.json'))).toBe(false);
  });

  it('logs what nobody caught, with its stack, and ends', async () => {
    const client = await open();
    await client.request('runs.list', {});
    await vi.waitFor(() => expect(client.state.state).toBe('lost'), within);
    const log = readFileSync(join(workspace, 'logs/engine.log'), 'utf8');
    expect(log).toContain('error uncaught\nError: out of the blue\n    at ');
    expect(states.map(({ state }) => state)).toContain('crashed');
  });

  it('says why it cannot start, and is not started in vain', async () => {
    await open('refuse');
    await vi.waitFor(() => expect(states.at(-1)?.state).toBe('gave_up'), within);
    expect(states.at(-1)?.detail).toBe('No room. Make some.');
    expect(states.map(({ state }) => state)).toEqual(['starting', 'gave_up']);
  });

  it('is started three times when it fails without words', async () => {
    await open('bug');
    await vi.waitFor(() => expect(states.at(-1)?.state).toBe('gave_up'), within);
    expect(states.filter(({ state }) => state === 'starting')).toHaveLength(3);
  });

  it('says that its workspace cannot be written', async () => {
    rmSync(workspace, { recursive: true });
    writeFileSync(workspace, 'a file');
    await open();
    await vi.waitFor(() => expect(states.at(-1)?.state).toBe('gave_up'), within);
    expect(states.at(-1)?.detail).toMatch(/^The workspace .* cannot be written: .*--workspace/);
  });
});
