import { spawn } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PRESETS } from '@shared/config/presets';
import { openStore } from '.';
import type { RunStore } from './port';
import { MAX_WAITING, retryJob } from './queue';
import { openDatabase } from './sqlite';
import { buildChild } from './testing/child';
import { SEED, seeded } from './testing/random';
import { ORIGIN, temporaryRoot } from './testing/workspace';

const asked = { by: 'notebook', notebook: 'One', cell: 'train' } as const;
const OPTIONS = { asked, sweep: false, reserve: false };
const jobs = (n: number) =>
  Array.from({ length: n }, (_, seed) => ({
    config: { ...PRESETS.tiny, seed },
    differs: [{ name: 'seed', value: seed }],
  }));

let root: string;
let remove: () => void;
let store: RunStore;
beforeEach(() => {
  ({ root, remove } = temporaryRoot());
  store = openStore(root);
});
afterEach(() => {
  store.close();
  remove();
});
const sql = (text: string): void => {
  const db = openDatabase(join(root, 'queue.sqlite'), false);
  db.exec(text);
  db.close();
};
const waiting = (): number[] =>
  store.queue.list().flatMap(({ job, state }) => (state === 'queued' ? [job] : []));
/** The process that had taken it has died. */
const orphan = (job: number): void =>
  sql(`UPDATE jobs SET pid = 999999999, token = 'gone' WHERE job = ${job}`);

describe('the queue', () => {
  it('is not there until a job is added, and keeps it whole: settings, who asked, what differs', () => {
    expect(store.queue.list()).toEqual([]);
    expect(store.queue.take()).toBeNull();
    expect(existsSync(join(root, 'queue.sqlite'))).toBe(false);
    const before = store.queue.stamp();
    const added = store.queue.add(jobs(2), { ...OPTIONS, sweep: true });
    expect(added).toMatchObject({ jobs: [1, 2], sweep: expect.stringMatching(/^sweep-\d{8}-/) });
    expect(store.queue.stamp()).not.toBe(before);
    expect(openStore(root, { readonly: true }).queue.list()).toMatchObject([
      {
        ...{ job: 1, state: 'queued', config: jobs(1)[0]?.config, differs: jobs(1)[0]?.differs },
        ...{ asked, sweep: added.sweep, run: null, problem: null, elsewhere: false },
      },
      { job: 2 },
    ]);
    expect(store.queue.add(jobs(1), { ...OPTIONS, sweep: true }).sweep).not.toBe(added.sweep);
  });

  it('knows a renamed notebook by its new name, whatever else is damaged', () => {
    store.queue.add(jobs(2), OPTIONS);
    const other = { ...asked, notebook: 'Other' } as const;
    store.queue.add(jobs(1), { ...OPTIONS, asked: other });
    sql(`UPDATE jobs SET asked = '{' WHERE job = 2`);
    store.queue.renamed(asked.notebook, 'New name');
    const names = store.queue.list().map((job) => `${job.job} ${job.asked.notebook}`);
    expect(names).toEqual(['1 New name', '3 Other', '2 undefined']);
  });

  it('gives jobs out in order, each once, and takes up first what broke off', () => {
    store.queue.add(jobs(3), OPTIONS);
    expect(store.queue.take()).toMatchObject({ job: 1, state: 'running', run: null });
    store.queue.began(1, 'run-one');
    expect(store.queue.take()?.job).toBe(2);
    store.queue.end(2, 'failed', 'Because.');
    orphan(1);
    expect(store.queue.list()).toMatchObject([
      { job: 1, state: 'interrupted', run: 'run-one' },
      { job: 3, state: 'queued' },
      { job: 2, state: 'failed', problem: 'Because.' },
    ]);
    expect(store.queue.take()).toMatchObject({ job: 1, run: 'run-one' });
    store.queue.putBack(1);
    expect(store.queue.list()[0]).toMatchObject({ job: 1, state: 'interrupted' });
    expect(store.queue.adopt('run-one')?.job).toBe(1);
    expect(store.queue.take()?.job).toBe(3);
    expect(store.queue.take()).toBeNull();
    expect(store.queue.adopt('run-two')).toBeNull();
  });

  it('finds the run of a job whose process died between making it and saying so', () => {
    store.queue.add(jobs(1), OPTIONS);
    store.queue.take();
    store.create({ ...ORIGIN, job: 7 }).end('stopped');
    const { run } = store.create({ ...ORIGIN, job: 1 });
    orphan(1);
    expect(store.queue.take()).toMatchObject({ job: 1, run });
  });

  it('never gives out what another living process trains or has reserved', () => {
    store.queue.add(jobs(3), OPTIONS);
    // The parent of this process lives.
    sql(`UPDATE jobs SET pid = ${process.ppid}, token = '' WHERE job = 1`);
    sql(`UPDATE jobs SET state = 'running', pid = ${process.ppid}, token = '' WHERE job = 2`);
    expect(store.queue.list().map(({ elsewhere }) => elsewhere)).toEqual([true, true, false]);
    expect(store.queue.take()?.job).toBe(3);
    expect(store.queue.take()).toBeNull();
    const { jobs: reserved } = store.queue.add(jobs(1), { ...OPTIONS, reserve: true });
    expect(store.queue.take()?.job).toBe(reserved[0]);
  });

  it('moves, removes and restores jobs that wait, and leaves the others where they are', () => {
    store.queue.add(jobs(4), OPTIONS);
    store.queue.move(4, 2);
    expect(waiting()).toEqual([1, 4, 2, 3]);
    store.queue.move(1, null);
    expect(waiting()).toEqual([4, 2, 3, 1]);
    expect(store.queue.remove([2, 3])).toEqual([2, 3]);
    store.queue.move(1, 4);
    expect(waiting()).toEqual([1, 4]);
    store.queue.restore([2, 3]);
    expect(waiting()).toEqual([1, 4, 2, 3]);
    store.queue.take();
    expect(() => store.queue.remove([1])).toThrow(expect.objectContaining({ code: 'wrong_state' }));
    expect(() => store.queue.move(1, 2)).toThrow(expect.objectContaining({ code: 'wrong_state' }));
    expect(() => store.queue.move(9, null)).toThrow(expect.objectContaining({ code: 'not_found' }));
    store.queue.end(1, 'done', null);
    expect(store.queue.clear()).toBe(1);
    // The number of a job that was cleared is not given again.
    store.queue.remove([2, 3, 4]);
    store.queue.clear();
    expect(store.queue.add(jobs(1), OPTIONS).jobs).toEqual([5]);
  });

  it('retries an ended job: a stopped run goes on, a failed one begins anew', () => {
    const writers = ['stopped', 'failed'] as const;
    for (const state of writers) {
      const { jobs: added } = store.queue.add(jobs(1), OPTIONS);
      store.queue.take();
      const writer = store.create(ORIGIN);
      store.queue.began(added[0] ?? 0, writer.run);
      writer.end(state, 'x');
      store.queue.end(added[0] ?? 0, state === 'failed' ? 'failed' : 'cancelled', 'x');
    }
    retryJob(store, 1);
    retryJob(store, 2);
    const runs = store.queue.list().map(({ job, state, run }) => [job, state, run !== null]);
    expect(runs).toEqual([
      [1, 'interrupted', true],
      [2, 'queued', false],
    ]);
    expect(() => store.queue.retry(1, true)).toThrow(/has not ended/);
  });

  it('remembers whose queue runs', () => {
    expect(store.queue.ranBy(process.pid)).toBe(false);
    store.queue.add(jobs(1), OPTIONS);
    store.queue.setRunner(true);
    expect([store.queue.ranBy(process.pid), store.queue.ranBy(1)]).toEqual([true, false]);
    store.queue.setRunner(false);
    expect(store.queue.ranBy(process.pid)).toBe(false);
  });

  it('lists a job whose settings are damaged as failed, says why, and goes on with the next', () => {
    store.queue.add(jobs(3), OPTIONS);
    sql(`UPDATE jobs SET config = '{"preset":' WHERE job = 1`);
    sql(`UPDATE jobs SET state = 'nonsense' WHERE job = 2`);
    store = openStore(root);
    const failed = store.queue.list().filter(({ state }) => state === 'failed');
    expect(failed.map(({ problem }) => problem)).toEqual(
      Array<unknown>(2).fill(expect.stringContaining('damaged')),
    );
    expect(store.queue.take()?.job).toBe(3);
  });

  it('refuses a file that is damaged or of a later version, and more jobs than it may hold', () => {
    store.queue.add(jobs(1), OPTIONS);
    expect(() => store.queue.add(jobs(MAX_WAITING), OPTIONS)).toThrow(/may/);
    expect(waiting()).toEqual([1]);
    sql('PRAGMA user_version = 2');
    expect(() => store.queue.list()).toThrow(/later Protodiff/);
    writeFileSync(join(root, 'queue.sqlite'), Buffer.alloc(8192, 7));
    expect(() => store.queue.list()).toThrow(
      expect.objectContaining({ code: 'disk', remedy: expect.stringContaining('Move that file') }),
    );
    // What is damaged costs the queue, nothing else.
    expect(store.create(ORIGIN).run).toMatch(/^\d/);
  });

  it('adds all of a sweep or none of it, whichever write fails', () => {
    store.queue.add(jobs(2), OPTIONS);
    for (let n = 1; n <= 5; n++) {
      sql(`CREATE TRIGGER fault BEFORE INSERT ON jobs WHEN new.position = ${2 + n}
           BEGIN SELECT RAISE(ABORT, 'injected'); END`);
      expect(() => store.queue.add(jobs(5), OPTIONS)).toThrow(/injected/);
      sql('DROP TRIGGER fault');
      expect(waiting()).toEqual([1, 2]);
    }
    for (let n = 1; n <= 2; n++) {
      sql(`CREATE TRIGGER fault BEFORE UPDATE ON jobs WHEN old.job = ${n}
           BEGIN SELECT RAISE(ABORT, 'injected'); END`);
      expect(() => store.queue.move(2, 1)).toThrow(/injected/);
      expect(() => store.queue.remove([1, 2])).toThrow(/injected/);
      sql('DROP TRIGGER fault');
      expect(waiting()).toEqual([1, 2]);
    }
  });
});

const KILLS = Number(process.env.KILLS ?? 5);
it(`is whole after each of ${KILLS} kills, with all that was promised (seed ${SEED})`, async () => {
  const { outDir, script } = await buildChild('queue-child');
  const random = seeded(SEED);
  try {
    for (let kill = 0; kill < KILLS; kill++) {
      const lines = await live(script, 3 + random(20), random(20));
      const db = openDatabase(join(root, 'queue.sqlite'), false);
      expect(db.prepare('PRAGMA integrity_check').get()).toMatchObject({ integrity_check: 'ok' });
      db.close();
      const state = new Map(store.queue.list().map((job) => [job.job, job]));
      const cleared = lines.map(([kind]) => kind).lastIndexOf('cleared');
      for (const [kind, ...numbers] of lines.slice(cleared + 1)) {
        for (const job of numbers.map(Number)) {
          // The act after the last that was promised may have been done as well.
          if (kind === 'done') expect(['done', undefined]).toContain(state.get(job)?.state);
          if (kind === 'gone') expect(['cancelled', undefined]).toContain(state.get(job)?.state);
        }
      }
      // Sweeps of five are there whole; none is trained by the dead.
      const sizes = new Map<string, number>();
      for (const { sweep, state: now } of state.values()) {
        expect(now).not.toBe('running');
        if (sweep !== null) sizes.set(sweep, (sizes.get(sweep) ?? 0) + 1);
      }
      if (cleared < 0) expect(new Set(sizes.values())).toEqual(new Set([5]));
      const broken = [...state.values()].find((job) => job.state === 'interrupted');
      const next = store.queue.take();
      if (broken !== undefined) expect(next?.job).toBe(broken.job);
      for (const { job, state: now } of store.queue.list())
        if (now === 'running') store.queue.end(job, 'done', null);
      store.queue.remove(waiting());
      store.queue.clear();
    }
  } finally {
    rmSync(outDir, { recursive: true, force: true });
  }
}, 120_000);

/** Starts the child, and kills it without warning once it has said so many lines. */
function live(script: string, lines: number, delay: number): Promise<string[][]> {
  return new Promise((done, fail) => {
    const child = spawn(process.execPath, [script, root]);
    let out = '';
    let errors = '';
    let dying = false;
    child.stderr.on('data', (data: Buffer) => (errors += data.toString()));
    child.stdout.on('data', (data: Buffer) => {
      out += data.toString();
      if (dying || out.split('\n').length <= lines) return;
      dying = true;
      setTimeout(() => child.kill('SIGKILL'), delay);
    });
    child.on('close', () => {
      if (!dying) return fail(new Error(errors));
      // A line without its end was not said.
      done(
        out
          .split('\n')
          .slice(0, -1)
          .map((line) => line.split(' ')),
      );
    });
  });
}
