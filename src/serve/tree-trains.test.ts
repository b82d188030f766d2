import { fork, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, expect, it, vi } from 'vitest';
import { openStore } from '../store';
import { processAlive } from '../store/process-identity';
import { openDatabase } from '../store/sqlite';

/**
 * As tree.test.ts, with the built engine, which trains: TRAINS=9 rounds, after `npm run build`. In each
 * one the command line is killed while it trains, and its run continued by the engine of a host; then
 * both, the host or the engine are killed. No acknowledged step may be lost.
 */
const TRAINS = Number(process.env.TRAINS ?? 0);
const STARTS = 60_000; // ms; a loaded machine captures the step slowly

const root = resolve(import.meta.dirname, '../..');
const built = join(root, 'out/main');
const workspace = mkdtempSync(join(tmpdir(), 'protodiff-tree-'));
const hostScript = join(workspace, 'host.cjs');
afterAll(() => rmSync(workspace, { recursive: true, force: true }));

const alive = (pid: number | undefined): boolean => processAlive({ pid: pid ?? 0, token: '' });
const died = (pid: number | undefined, within: number): Promise<void> =>
  vi.waitFor(() => expect(alive(pid)).toBe(false), { timeout: within, interval: 20 });

/** The run of the workspace and the steps that it has recorded. */
function recorded(): { run: string; steps: number[] } {
  const store = openStore(workspace, { readonly: true });
  const [found] = store.list();
  const run = found?.run ?? '';
  const steps = found ? [...store.metrics(run, 0, Number.MAX_SAFE_INTEGER).step] : [];
  store.close();
  return { run, steps };
}

/** Once more than `before` steps are acknowledged; how many are. */
async function trainsBeyond(before: number): Promise<number> {
  await vi.waitFor(() => expect(recorded().steps.length).toBeGreaterThan(before + 5), {
    timeout: STARTS,
    interval: 100,
  });
  return recorded().steps.length;
}

/** The command line trains on from where the run is, and is killed; returns its process. */
async function lostByCommandLine(): Promise<number> {
  const { run, steps } = recorded();
  const begin = ['train', '--preset', 'tiny', '--data', 'digits', '--steps', '100000'];
  const verb = run === '' ? [...begin, '--set', 'training.checkpoint_every=20'] : ['resume', run];
  const args = [join(built, 'cli.cjs'), ...verb, '--workspace', workspace];
  const child = spawn(process.execPath, args, { cwd: root, stdio: 'ignore' });
  await trainsBeyond(steps.length);
  child.kill('SIGKILL');
  await died(child.pid, 5000);
  return child.pid ?? 0;
}

/** A host, and the process of its engine, which goes on with the run that `lost` has lost. */
async function startHost(lost: number): Promise<{ host: ChildProcess; engine: number }> {
  const env = {
    ...{ PROTODIFF_WORKSPACE: workspace, PROTODIFF_RESOURCES: join(root, 'resources') },
    PROTODIFF_IMPORTER: join(built, 'importer.cjs'),
    PROTODIFF_RECOVER: JSON.stringify({ pid: lost, exit: 'SIGKILL' }),
  };
  const host = fork(hostScript, [], { env: { ...process.env, ...env }, stdio: 'ignore' });
  const engine = await new Promise<number>((done) =>
    host.once('message', (pid) => done(Number(pid))),
  );
  return { host, engine };
}

it.runIf(TRAINS > 0)(
  `trees of an engine that trains, killed ${TRAINS} times at once or apart, lose no step and leave nothing`,
  { timeout: (TRAINS + 1) * 3 * STARTS },
  async () => {
    writeFileSync(
      hostScript,
      `const engine = require('node:child_process').fork(
        ${JSON.stringify(join(built, 'engine.cjs'))}, [], { serialization: 'advanced' });
      process.send(engine.pid);
      setInterval(() => undefined, 1000);`,
    );
    for (let n = 0; n < TRAINS; n++) {
      const lost = await lostByCommandLine();
      const { host, engine } = await startHost(lost);
      const acknowledged = await trainsBeyond(recorded().steps.length);
      // Both, the host alone, the engine alone.
      if (n % 3 !== 2) host.kill('SIGKILL');
      if (n % 3 !== 1) process.kill(engine, 'SIGKILL');
      await died(engine, 5000);
      host.kill('SIGKILL');
      await died(host.pid, 5000);
      const { run, steps } = recorded();
      expect(steps.length).toBeGreaterThanOrEqual(acknowledged);
      expect(steps).toEqual(steps.map((_, i) => i + 1));
      const db = openDatabase(join(workspace, 'runs', run, 'run.sqlite'), true);
      expect(db.prepare('PRAGMA integrity_check').get()).toMatchObject({ integrity_check: 'ok' });
      db.close();
      console.log(`round ${n + 1}: ${acknowledged} steps acknowledged, ${steps.length} there`);
    }
  },
);
