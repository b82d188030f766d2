import { spawn } from 'node:child_process';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openStore } from '.';
import { openDatabase } from './sqlite';
import { buildChild } from './testing/child';
import { SEED, seeded } from './testing/random';
import { ORIGIN, temporaryRoot } from './testing/workspace';

const KILLS = 10;
let outDir: string;
let script: string;
const { root, remove } = temporaryRoot();

beforeAll(async () => {
  ({ outDir, script } = await buildChild('writer-child'));
});
afterAll(() => {
  rmSync(outDir, { recursive: true, force: true });
  remove();
});

interface Life {
  run: string;
  from: number;
  /** The last step acknowledged, by kind. */
  last: Record<string, number>;
  errors: string;
}

/** Starts the child, and kills it without warning once it has acknowledged `acks` calls. */
function live(acks: number, delay: number, run?: string): Promise<Life> {
  return new Promise((done) => {
    const child = spawn(process.execPath, [script, root, ...(run ? [run] : [])]);
    let out = '';
    let errors = '';
    let dying = false;
    child.stderr.on('data', (data: Buffer) => (errors += data.toString()));
    child.stdout.on('data', (data: Buffer) => {
      out += data.toString();
      if (dying || out.split('\n').length < acks) return;
      dying = true;
      setTimeout(() => child.kill('SIGKILL'), delay);
    });
    child.on('close', () => {
      const life: Life = { run: run ?? '', from: 0, last: {}, errors };
      // A line without its end was not said.
      for (const line of out.split('\n').slice(0, -1)) {
        const [kind = '', value = ''] = line.split(' ');
        if (kind === 'run') life.run = value;
        else if (kind === 'from') life.from = Number(value);
        else life.last[kind] = Number(value);
      }
      done(life);
    });
  });
}

it(`loses nothing acknowledged in ${KILLS} kills (seed ${SEED})`, async () => {
  const random = seeded(SEED);
  let run: string | undefined;
  let checkpoint = 0;
  for (let kill = 0; kill < KILLS; kill++) {
    const life: Life = await live(4 + random(40), random(25), run);
    expect(life.errors.replace(/.*(ExperimentalWarning|trace-warnings).*\n/g, '')).toBe('');
    run = life.run;
    // It went on from a checkpoint at least as late as the last one promised before.
    expect(life.from).toBeGreaterThanOrEqual(checkpoint);
    checkpoint = Math.max(life.from, life.last.checkpoint ?? 0);

    const db = openDatabase(join(root, 'runs', run, 'run.sqlite'), true);
    expect(db.prepare('PRAGMA integrity_check').get()).toMatchObject({ integrity_check: 'ok' });
    db.close();

    const store = openStore(root);
    expect(store.list()).toMatchObject([{ run, state: 'lost', problem: null }]);
    const { next, step, values } = store.metrics(run, 0, 1e9);
    expect(next).toBeGreaterThanOrEqual(life.last.metrics ?? life.from);
    // Steps 1 to n, each once, with the values of that step.
    expect([...step]).toEqual(Array.from({ length: next }, (_, i) => i + 1));
    expect(values[2 * (next - 1)]).toBe(1 / next);

    const { checkpoints, journal } = store.read(run);
    expect(checkpoints.at(-1)?.step ?? 0).toBeGreaterThanOrEqual(checkpoint);
    for (const row of checkpoints) {
      const { weights } = store.loadCheckpoint(run, row.step).tensors;
      expect(weights?.data.every((value) => value === row.step)).toBe(true);
    }
    const changes = journal.map((entry) => entry.applied_at_step);
    expect(changes).toEqual([...new Set(changes)].sort((a, b) => a - b));
    expect(changes.at(-1) ?? 0).toBeGreaterThanOrEqual(life.last.journal ?? 0);

    const pictures = store.sampleSteps(run);
    expect(pictures.at(-1) ?? 0).toBeGreaterThanOrEqual(life.last.samples ?? 0);
    for (const at of pictures.slice(-2)) {
      expect(store.loadSamples(run, at).settings.step).toBe(at);
    }
    // The lock of the dead is taken over, and what it left half-written is swept.
    store.open(run).release();
    const files = readdirSync(join(root, 'runs', run, 'checkpoints'));
    expect(files.sort()).toEqual(checkpoints.map((row) => row.file.split('/')[1]).sort());
    store.close();
  }
  expect(checkpoint).toBeGreaterThan(KILLS);
});

it('refuses a second process, and takes over once the first is dead', async () => {
  const child = spawn(process.execPath, [script, root]);
  const run = await new Promise<string>((done) => {
    let out = '';
    child.stdout.on('data', (data: Buffer) => {
      out += data.toString();
      const found = /^run (\S+)\nfrom/.exec(out)?.[1];
      if (found !== undefined) done(found);
    });
  });
  const store = openStore(root);
  expect(() => store.open(run)).toThrow(
    expect.objectContaining({ code: 'busy', message: expect.stringContaining(`${child.pid}`) }),
  );
  expect(store.list().find((summary) => summary.run === run)?.state).toBe('running');
  child.kill('SIGKILL');
  await new Promise((done) => child.on('close', done));
  expect(store.lostBy(child.pid ?? 0)).toEqual([run]);
  const writer = store.open(run);
  expect(() => store.open(run)).toThrow(/being written by process/);
  writer.appendEvent({ wall: 0, step: 0, kind: 'recovered', message: 'goes on' });
  store.close();
});

it('is written by one of six processes that start at once, the others told by which', async () => {
  const store = openStore(root);
  const { run } = store.create(ORIGIN);
  store.close();
  for (let round = 0; round < 5; round++) {
    const children = Array.from({ length: 6 }, () => spawn(process.execPath, [script, root, run]));
    const said = children.map(() => ({ out: '', errors: '' }));
    let settled = 0;
    await new Promise<void>((done) => {
      children.forEach((child, n) => {
        const words = said[n] ?? { out: '', errors: '' };
        let counted = false;
        const count = (): void => {
          if (!counted) settled += 1;
          counted = true;
          if (settled === children.length) done();
        };
        child.stdout.on('data', (data: Buffer) => {
          words.out += data.toString();
          if (words.out.includes('checkpoint')) count();
        });
        child.stderr.on('data', (data: Buffer) => (words.errors += data.toString()));
        child.on('close', count);
      });
    });
    const winners = children.filter((_, n) => said[n]?.out.includes('from'));
    expect(winners).toHaveLength(1);
    const refused = said.filter(({ errors }) =>
      errors.includes(`being written by process ${winners[0]?.pid}`),
    );
    expect(refused).toHaveLength(5);
    winners[0]?.kill('SIGKILL');
    await new Promise((gone) => winners[0]?.on('close', gone));
    const db = openDatabase(join(root, 'runs', run, 'run.sqlite'), true);
    expect(db.prepare('PRAGMA integrity_check').get()).toMatchObject({ integrity_check: 'ok' });
    db.close();
  }
});
