import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { openStore } from '../store';
import { processAlive } from '../store/process-identity';
import { openDatabase } from '../store/sqlite';
import { lockWorkspace } from '../store/workspace-lock';
import { buildFixture } from './testing';

/**
 * Hosts and their engines die together or one at a time, and start at once on one workspace. The
 * engine here does everything but train: it holds the workspace's lock and a run's.
 * KILLS=50 RACES=200 are the full numbers.
 */
const KILLS = Number(process.env.KILLS ?? 1);
const RACES = Number(process.env.RACES ?? 2);

const built = join(resolve(import.meta.dirname, '../..'), 'test-results', `tree-${process.pid}`);
const workspace = mkdtempSync(join(tmpdir(), 'protodiff-tree-'));
const hostScript = join(built, 'host.cjs');
const env = {
  ...{ PROTODIFF_WORKSPACE: workspace, PROTODIFF_RESOURCES: '/r', PROTODIFF_IMPORTER: '/i' },
  FIXTURE: 'trains',
};

beforeAll(async () => {
  await buildFixture(built);
  writeFileSync(
    hostScript,
    `const engine = require('node:child_process').fork(
      ${JSON.stringify(join(built, 'process-fixture.cjs'))}, [], { serialization: 'advanced' });
    engine.on('message', (messages) => {
      for (const said of messages) {
        if (/ready|failed/.test(said.type)) process.send({ pid: engine.pid, failed: said.error?.message });
      }
    });
    engine.on('exit', () => process.send({ pid: engine.pid, gone: true }));
    setInterval(() => undefined, 1000);`,
  );
});
afterAll(() => {
  rmSync(workspace, { recursive: true, force: true });
  rmSync(built, { recursive: true, force: true });
});

interface Said {
  /** The engine's. */
  pid: number;
  failed?: string;
  gone?: true;
}
interface Host {
  process: ChildProcess;
  said: Said[];
  /** Once its engine is ready, or has said why it cannot be. */
  settled: Promise<Said>;
}

function startHost(): Host {
  const child = fork(hostScript, [], { env: { ...process.env, ...env }, stdio: 'ignore' });
  const said: Said[] = [];
  const settled = new Promise<Said>((done) =>
    child.on('message', (message) => {
      said.push(message as Said);
      done(message as Said);
    }),
  );
  return { process: child, said, settled };
}

const alive = (pid: number | undefined): boolean => processAlive({ pid: pid ?? 0, token: '' });
async function died(pid: number | undefined, within: number): Promise<void> {
  await vi.waitFor(() => expect(alive(pid)).toBe(false), { timeout: within, interval: 20 });
}
function kill(...pids: (number | undefined)[]): void {
  for (const pid of pids) if (pid !== undefined) process.kill(pid, 'SIGKILL');
}

/** Another takes the workspace and the run, within a second, and gives them back. */
async function takesOver(): Promise<void> {
  const store = openStore(workspace);
  const [run] = store.list();
  const began = performance.now();
  const giveBack = await lockWorkspace(workspace);
  const writer = store.open(run?.run ?? '');
  expect(performance.now() - began).toBeLessThan(1000);
  writer.release();
  store.close();
  giveBack();
}

it(
  `nothing outlives the whole tree, killed at once ${KILLS} times`,
  { timeout: 600_000 },
  async () => {
    for (let n = 0; n < KILLS; n++) {
      const host = startHost();
      const { pid } = await host.settled;
      kill(host.process.pid, pid);
      await died(pid, 5000);
      await takesOver();
    }
  },
);

it(
  `an engine ends within 5 s of its host, killed ${KILLS} times`,
  { timeout: 600_000 },
  async () => {
    for (let n = 0; n < KILLS; n++) {
      const host = startHost();
      const { pid } = await host.settled;
      kill(host.process.pid);
      await died(pid, 5000);
      // Closed, not just ended.
      expect(existsSync(join(workspace, 'closed.txt'))).toBe(true);
      rmSync(join(workspace, 'closed.txt'));
      await takesOver();
    }
  },
);

it('a host that starts while the engine of a dead one ends waits for it', async () => {
  const first = startHost();
  const { pid } = await first.settled;
  kill(first.process.pid);
  const second = startHost();
  expect((await second.settled).failed).toBeUndefined();
  expect(alive(pid)).toBe(false);
  kill(second.process.pid, (await second.settled).pid);
  await died((await second.settled).pid, 5000);
});

it(
  `a host is told of its engine's death and leaves no zombie, ${KILLS} times`,
  { timeout: 600_000 },
  async () => {
    for (let n = 0; n < KILLS; n++) {
      const host = startHost();
      const { pid } = await host.settled;
      kill(pid);
      await vi.waitFor(() => expect(host.said.at(-1)).toEqual({ pid, gone: true }), 5000);
      // Reaped: there is no such process, not even one that has ended.
      expect(() => process.kill(pid, 0)).toThrow(/ESRCH/);
      await takesOver();
      kill(host.process.pid);
    }
  },
);

it(
  `of two hosts that start at once one serves, ${RACES} times`,
  { timeout: 1_200_000 },
  async () => {
    for (let n = 0; n < RACES; n++) {
      const hosts = [startHost(), startHost()];
      const said = await Promise.all(hosts.map(({ settled }) => settled));
      const [winner] = said.filter(({ failed }) => failed === undefined);
      const refused = said.flatMap(({ failed }) => failed ?? []);
      expect(refused).toHaveLength(1);
      const serving = hosts[said.indexOf(winner ?? { pid: 0 })];
      expect(refused[0]).toContain(
        `is open in another Protodiff, process ${serving?.process.pid}.`,
      );
      const owner = JSON.parse(readFileSync(join(workspace, 'engine.json'), 'utf8')) as Said;
      expect(owner.pid).toBe(winner?.pid);
      // What they leave is stale for the next two.
      kill(winner?.pid, ...hosts.map((host) => host.process.pid));
      await died(winner?.pid, 5000);
    }
    const store = openStore(workspace, { readonly: true });
    const [run] = store.list();
    expect(run?.problem).toBeNull();
    const db = openDatabase(join(workspace, 'runs', run?.run ?? '', 'run.sqlite'), true);
    expect(db.prepare('PRAGMA integrity_check').get()).toMatchObject({ integrity_check: 'ok' });
    db.close();
  },
);
