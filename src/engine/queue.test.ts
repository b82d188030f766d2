import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { build } from 'vite';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { configFor } from '@shared/config/presets';
import type { RunConfig } from '@shared/config/run-config';
import type {
  RequestInput,
  RequestName,
  RequestOutput,
  SubscriptionEvent,
} from '@shared/protocol/contract';
import type { QueueJob } from '@shared/protocol/contract-queue';
import { openStore } from '../store';
import { createEngine } from './engine';
import type { Engine } from './engine';

const REPOSITORY = resolve(import.meta.dirname, '../..');
const RESOURCES = join(REPOSITORY, 'resources');
const asked = { by: 'notebook', notebook: 'One', cell: 'train' } as const;

function tiny(seed: number, steps = 8): RunConfig {
  const config = configFor('tiny', { kind: 'digits' });
  const { training } = config;
  return {
    ...config,
    seed,
    training: { ...training, steps, checkpoint_every: 3, probe_every: 100, validate_every: 0 },
  };
}
const job = (config: RunConfig) => ({
  config,
  differs: [{ name: 'seed', value: config.seed }],
});

// What is tested is the same without a captured step, which takes longer to capture than to train.
process.env.PROTODIFF_EAGER = '1';

let workspace: string;
let engine: Engine;
const open = (): Promise<Engine> =>
  createEngine({ workspace, resources: RESOURCES, importerEntry: '', appVersion: '0.0.0' });
const ask = <N extends RequestName>(name: N, input: RequestInput<N>): Promise<RequestOutput<N>> =>
  engine.request(name, input, new AbortController().signal);

/** The queue as a window that looks now is told of it. */
function queue(): { running: boolean; jobs: QueueJob[] } {
  const source = engine.subscribe('queue', {}, () => undefined);
  const event = source.pull();
  source.close();
  return event as { running: boolean; jobs: QueueJob[] };
}
/** The run that trains; one that is still being started does not. */
function trains(): string | null {
  const source = engine.subscribe('status', {}, () => undefined);
  const event = source.pull() as SubscriptionEvent<'status'> | undefined;
  source.close();
  return event?.active?.run ?? null;
}
const states = (): string[] => queue().jobs.map(({ job: id, state }) => `${id} ${state}`);

async function until(probe: () => boolean): Promise<void> {
  const end = Date.now() + 60_000;
  while (!probe()) {
    if (Date.now() > end) throw new Error(`it did not happen in time: ${states().join(', ')}`);
    await new Promise((done) => setTimeout(done, 5));
  }
}
const idle = (): Promise<void> => until(() => !queue().running);

beforeEach(async () => {
  workspace = mkdtempSync(join(tmpdir(), 'protodiff-queue-'));
  engine = await open();
});
afterEach(async () => {
  await engine.close();
  rmSync(workspace, { recursive: true, force: true });
});

it('trains jobs in order, one at a time; one that cannot be trained stops no other', async () => {
  // As another process may add one that does not fit its data.
  const bad = tiny(2);
  bad.model = { ...bad.model, variant: 'spdm', k: 3 };
  const { jobs } = await ask('queue.add', {
    ...{ jobs: [job(tiny(1))], asked, sweep: true },
  });
  expect(queue().running).toBe(true);
  openStore(workspace).queue.add([job(bad)], { asked, sweep: false, reserve: false });
  await ask('queue.add', { jobs: [job(tiny(3))], asked, sweep: false });
  // While the queue trains a person cannot start another run beside it.
  await until(() => queue().jobs.some(({ run }) => run !== null));
  await expect(ask('run.start', { config: tiny(4) })).rejects.toMatchObject({ code: 'busy' });
  await idle();
  expect(jobs).toEqual([1]);
  expect(states().sort()).toEqual(['1 done', '2 failed', '3 done']);
  const [third, second, first] = queue().jobs;
  expect(second?.problem).toContain('needs K = 10');
  const { runs } = await ask('runs.list', {});
  expect(runs.map(({ run, state }) => [run, state])).toEqual([
    [third?.run, 'finished'],
    [first?.run, 'finished'],
  ]);
  await ask('notebook.write', { name: asked.notebook, json: '{}' });
  await ask('notebook.rename', { name: asked.notebook, to: 'Renamed' });
  expect(queue().jobs.map((each) => each.asked.notebook)).toEqual(Array(3).fill('Renamed'));
  // A new one of that name has not queued them.
  await ask('notebook.delete', { name: 'Renamed' });
  await ask('notebook.write', { name: 'Renamed', json: '{}', known: null });
  expect(queue().jobs.map((each) => each.asked.notebook)).toEqual(Array(3).fill(undefined));
  // The run of a sweep bears its name as a tag.
  expect(runs[1]?.tags).toEqual([first?.sweep]);
  expect(first?.seconds).toBeGreaterThan(0);
});

it('is paused when the engine opens, says what waits, and starts by a word', async () => {
  openStore(workspace).queue.add([job(tiny(1)), job(tiny(2))], {
    ...{ asked, sweep: false, reserve: false },
  });
  await engine.close();
  engine = await open();
  await ask('queue.add', { jobs: [job(tiny(3))], asked, sweep: false });
  await ask('queue.move', { job: 3, before: 1 });
  expect(await ask('queue.remove', { jobs: [2] })).toEqual({ removed: [2] });
  await new Promise((done) => setTimeout(done, 50));
  expect(queue().running).toBe(false);
  expect(states()).toEqual(['3 queued', '1 queued', '2 cancelled']);
  await ask('queue.restore', { jobs: [2] });
  await ask('queue.start', {});
  await until(() => states()[0] === '3 running');
  // No other is started once it is paused; the one that trains goes on.
  await ask('queue.pause', {});
  await until(() => states().includes('3 done'));
  await new Promise((done) => setTimeout(done, 50));
  expect(states()).toEqual(['1 queued', '2 queued', '3 done']);
});

it('refuses what cannot be trained before anything is added, and says which', async () => {
  const config = tiny(2);
  config.model = { ...config.model, variant: 'spdm', k: 3 };
  const add = ask('queue.add', { jobs: [job(tiny(1)), job(config)], asked, sweep: true });
  await expect(add).rejects.toMatchObject({
    ...{ code: 'bad_config', message: expect.stringMatching(/^seed 2: .*needs K = 10/) },
  });
  expect(queue()).toEqual({ running: false, jobs: [] });
  const { problems, seconds } = await ask('queue.check', { configs: [tiny(1), config] });
  expect(problems).toEqual([null, expect.stringContaining('needs K = 10')]);
  expect(seconds[0]).toBeGreaterThan(0);
});

it('interrupted it goes on where it was, to the same bits as without', async () => {
  await ask('queue.add', { jobs: [job(tiny(7, 16))], asked, sweep: false });
  await until(() => trains() !== null);
  await ask('queue.pause', { interrupt: true });
  const [broken] = queue().jobs;
  expect(broken).toMatchObject({ state: 'interrupted' });
  const { run } = broken ?? {};
  const at = (await ask('run.get', { run: run ?? '' })).summary;
  expect(at.state).toBe('stopped');
  expect(at.step).toBeLessThan(16);
  await ask('queue.start', {});
  await idle();
  expect(queue().jobs[0]).toMatchObject({ state: 'done', run });
  const { run: straight } = await ask('run.start', { config: tiny(7, 16) });
  for (;;) {
    const { summary } = await ask('run.get', { run: straight });
    if (summary.state === 'finished') break;
    await new Promise((done) => setTimeout(done, 10));
  }
  expect(await engine.weightsSha256(run ?? '')).toBe(await engine.weightsSha256(straight));
});

it('a person who stops a run ends its job, and the next begins', async () => {
  await ask('queue.add', { jobs: [job(tiny(1, 400)), job(tiny(2))], asked, sweep: false });
  await until(() => trains() !== null);
  const run = trains() ?? '';
  await ask('run.stop', { run });
  await idle();
  expect(states()).toEqual(['2 done', '1 cancelled']);
  expect(queue().jobs[1]?.problem).toMatch(/^Stopped at step \d+\.$/);
});

it('killed in the second of three jobs, the engine after it ends all in the same bits', async () => {
  const outDir = join(REPOSITORY, 'test-results', `queue-engine-${process.pid}`);
  await build({
    configFile: false,
    logLevel: 'error',
    resolve: { alias: { '@shared': join(REPOSITORY, 'src/shared') } },
    build: {
      ssr: join(REPOSITORY, 'src/engine/testing/queue-child.ts'),
      target: 'node16',
      outDir,
      rollupOptions: { output: { format: 'cjs', entryFileNames: 'child.cjs' } },
    },
  });
  try {
    const configs = [1, 2, 3].map((seed) => tiny(seed));
    const { queue: stored } = openStore(workspace);
    stored.add(configs.map(job), { asked, sweep: true, reserve: false });
    const first = await live(join(outDir, 'child.cjs'), [], 'step 2 5');
    const [, second] = stored.list().filter(({ run }) => run !== null);
    expect(stored.list().map(({ job: id, state }) => `${id} ${state}`)).toEqual([
      '2 interrupted',
      '3 queued',
      '1 done',
    ]);
    expect(second).toBeDefined();
    const last = await live(join(outDir, 'child.cjs'), [String(first.pid)]);
    expect(last.out).toContain('end\n');
    const ended = stored.list();
    expect(ended.map(({ job: id, state }) => `${id} ${state}`).sort()).toEqual([
      '1 done',
      '2 done',
      '3 done',
    ]);
    // No job has begun twice.
    const { runs } = await ask('runs.list', {});
    expect(runs.map(({ run }) => run).sort()).toEqual(ended.map(({ run }) => run).sort());
    await ask('queue.add', { jobs: [job(tiny(2))], asked, sweep: false });
    await idle();
    const hashes = await Promise.all(
      [2, 4].map((id) =>
        engine.weightsSha256(queue().jobs.find((each) => each.job === id)?.run ?? ''),
      ),
    );
    expect(hashes[0]).toBe(hashes[1]);
  } finally {
    rmSync(outDir, { recursive: true, force: true });
  }
}, 120_000);

/** An engine process, killed without warning once it has said a line, or till its end. */
function live(
  script: string,
  more: string[],
  line?: string,
): Promise<{ pid: number; out: string }> {
  return new Promise((done, fail) => {
    const child = spawn(process.execPath, [script, workspace, RESOURCES, ...more]);
    let out = '';
    let errors = '';
    child.stderr.on('data', (data: Buffer) => (errors += data.toString()));
    child.stdout.on('data', (data: Buffer) => {
      out += data.toString();
      if (line !== undefined && `\n${out}`.includes(`\n${line}\n`)) child.kill('SIGKILL');
    });
    child.on('close', (code) => {
      if (code === 0 || line !== undefined) done({ pid: child.pid ?? 0, out });
      else fail(new Error(errors));
    });
  });
}
