import {
  cpSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AppError } from '@shared/errors';
import { openStore } from '.';
import { exportRun, importRun } from './bundle';
import type { RunStore } from './port';
import { metricRows, ORIGIN, samplesAt, temporaryRoot, tensorsOf } from './testing/workspace';

let root: string;
let remove: () => void;
let store: RunStore;
let now = Date.parse('2026-01-02T03:04:05Z');

beforeEach(() => {
  ({ root, remove } = temporaryRoot());
  store = openStore(root, { clock: () => now });
});
afterEach(() => {
  store.close();
  remove();
});

/** A run with something of each kind; still being written unless `end`. */
function made(end = true): string {
  now += 1000;
  const writer = store.create(ORIGIN);
  writer.appendMetrics(metricRows(1, 30));
  writer.writeCheckpoint(10, tensorsOf(1), { step: '10' }, 9);
  writer.writeCheckpoint(20, tensorsOf(2), { step: '20' }, 9);
  writer.writeSamples(samplesAt(writer.run, 20, 4));
  writer.appendJournal({ applied_at_step: 3, knob: 'lr', previous: 1, value: 2, wall: now });
  if (end) writer.end('stopped');
  return writer.run;
}
const summaryOf = (run: string) => store.list().find((each) => each.run === run);
const contentOf = (run: string) => {
  const { journal, checkpoints, knobs, origin } = store.read(run);
  const { step, values } = store.metrics(run, 0, 1000);
  const { tensors } = store.loadCheckpoint(run);
  const { images } = store.loadSamples(run, 20);
  return { journal, checkpoints, knobs, origin, step, values, tensors, images };
};

describe('labels', () => {
  it('rename, tag and star a run, also while it is written, and survive a new store', () => {
    const [ended, live] = [made(), made(false)];
    const generated = summaryOf(ended)?.name ?? '';
    store.shelf.label(ended, { name: '  Première ✨ ', tags: ['a', ' b ', 'a'] });
    store.shelf.label(live, { starred: true });
    expect(summaryOf(ended)).toMatchObject({
      name: 'Première ✨',
      tags: ['a', 'b'],
      starred: false,
    });
    expect(summaryOf(live)).toMatchObject({ tags: [], starred: true, state: 'running' });
    store.shelf.label(ended, { starred: true });
    const other = openStore(root, { readonly: true });
    expect(other.list().find(({ run }) => run === ended)).toMatchObject({
      ...{ name: 'Première ✨', tags: ['a', 'b'], starred: true },
    });
    expect(() => other.shelf.label(ended, {})).toThrow(/reading only/);
    other.close();
    store.shelf.label(ended, { name: '' });
    expect(summaryOf(ended)?.name).toBe(generated);
  });

  it('that are damaged cost the labels and a sentence, not the run', () => {
    const run = made();
    writeFileSync(join(root, 'runs', run, 'labels.json'), '{"name":');
    expect(summaryOf(run)).toMatchObject({ state: 'stopped', step: 30, starred: false });
    expect(summaryOf(run)?.problem).toMatch(/labels\.json is damaged/);
    store.shelf.label(run, { name: 'again' });
    expect(summaryOf(run)).toMatchObject({ name: 'again', problem: null });
  });
});

describe('a kept checkpoint', () => {
  it('is noted, goes along with copies and exports, and is let go of', async () => {
    const run = made();
    expect(store.shelf.keep(run, [20, 10, 10], true)).toEqual([10, 20]);
    expect(store.shelf.keep(run, [20], false)).toEqual([10]);
    const copy = store.shelf.copy(run);
    const { file } = await exportRun(root, run);
    const { run: imported } = await importRun(root, file);
    for (const each of [run, copy, imported])
      expect(summaryOf(each)).toMatchObject({ kept: [10], tags: [] });
    expect(store.shelf.keep(run, [10], false)).toEqual([]);
    expect(summaryOf(copy)?.kept).toEqual([10]);
  });

  it('must be there, and there is a most of them', () => {
    const run = made();
    expect(() => store.shelf.keep(run, [10, 15], true)).toThrow(/no checkpoint of step 15/);
    expect(summaryOf(run)?.kept).toEqual([]);
    const kept = Array.from({ length: 1000 }, (_, i) => 1000 + i);
    store.shelf.label(run, { kept });
    expect(() => store.shelf.keep(run, [10], true)).toThrow(/1000 checkpoints already/);
    expect(store.shelf.keep(run, [1000, 1001], false)).toHaveLength(998);
    expect(store.shelf.keep(run, [10], true)).toHaveLength(999);
  });
});

describe('deleting', () => {
  it('moves a run to the trash, and back as it was', () => {
    const run = made();
    const before = contentOf(run);
    store.shelf.label(run, { name: 'Mine' });
    const trashed = store.shelf.remove(run);
    expect(store.list()).toEqual([]);
    expect(store.shelf.trash()).toMatchObject([{ trashed, name: 'Mine' }]);
    expect(() => store.shelf.remove(run)).toThrow(/no run/);
    expect(store.shelf.restore(trashed)).toBe(run);
    expect(store.shelf.trash()).toEqual([]);
    expect(contentOf(run)).toEqual(before);
    expect(summaryOf(run)?.name).toBe('Mine');
  });

  it('is refused while the run is written, and possible for a damaged one', () => {
    const [live, broken] = [made(false), made()];
    expect(() => store.shelf.remove(live)).toThrow(/is being written by process/);
    writeFileSync(join(root, 'runs', broken, 'run.sqlite'), 'no database');
    store.shelf.remove(broken);
    expect(store.list().map(({ run }) => run)).toEqual([live]);
  });

  it('gives a second one of the same id another name, and overwrites nothing', () => {
    const run = made();
    cpSync(join(root, 'runs', run), join(root, 'keep'), { recursive: true });
    store.shelf.remove(run);
    cpSync(join(root, 'keep'), join(root, 'runs', run), { recursive: true });
    expect(() => store.shelf.restore(run)).toThrow(/already/);
    expect(store.shelf.remove(run)).toBe(`${run}-2`);
    expect(store.shelf.restore(`${run}-2`)).toBe(`${run}-2`);
    expect(store.shelf.restore(run)).toBe(run);
    expect(store.list().length).toBe(2);
    for (const bad of ['../x', 'nothing']) {
      expect(() => store.shelf.restore(bad)).toThrow(/no run/);
    }
  });
});

describe('deleting while it is exported', () => {
  it('gives a whole file or a sentence, and leaves nothing behind', async () => {
    const run = made();
    const before = contentOf(run);
    for (const turns of [0, 1, 3, 6]) {
      const exporting = exportRun(root, run).then(
        ({ file }) => file,
        (error: unknown) => error,
      );
      for (let n = 0; n < turns; n++) await new Promise((done) => setImmediate(done));
      const trashed = store.shelf.remove(run);
      expect(() => store.shelf.remove(run)).toThrow(/no run/);
      const exported = await exporting;
      if (typeof exported === 'string') {
        const { run: again } = await importRun(root, exported);
        expect(contentOf(again).tensors).toEqual(before.tensors);
        rmSync(join(root, 'runs', again), { recursive: true });
        rmSync(exported);
      } else expect(exported).toBeInstanceOf(AppError);
      expect(readdirSync(join(root, 'runs'))).toEqual([]);
      expect(readdirSync(join(root, 'exports'))).toEqual([]);
      expect(store.shelf.restore(trashed)).toBe(run);
      expect(contentOf(run)).toEqual(before);
    }
  });
});

describe('the trash', () => {
  it('gives up one run for good, and leaves the others', () => {
    const [first, second] = [made(), made()];
    store.shelf.remove(first);
    store.shelf.remove(second);
    expect(store.shelf.erase(first).bytes).toBeGreaterThan(1000);
    expect(store.shelf.trash().map(({ trashed }) => trashed)).toEqual([second]);
    for (const bad of [first, '../runs', 'nothing'])
      expect(() => store.shelf.erase(bad)).toThrow(/no run/);
    expect(store.shelf.restore(second)).toBe(second);
  });

  it('is emptied for good, and tells how much that freed', () => {
    const [kept, gone] = [made(), made()];
    const trashed = store.shelf.remove(gone);
    const { runs, bytes } = store.shelf.emptyTrash();
    expect(runs).toBe(1);
    expect(bytes).toBeGreaterThan(1000);
    expect(store.shelf.trash()).toEqual([]);
    expect(() => store.shelf.restore(trashed)).toThrow(/no run/);
    expect(store.shelf.emptyTrash()).toEqual({ runs: 0, bytes: 0 });
    expect(store.list().map(({ run }) => run)).toEqual([kept]);
  });
});

describe('a copy', () => {
  it('is a run of its own with all that was recorded', () => {
    const run = made();
    now += 5000;
    const copy = store.shelf.copy(run);
    expect(copy).not.toBe(run);
    expect(contentOf(copy)).toEqual(contentOf(run));
    expect(summaryOf(copy)?.name).toBe(`${summaryOf(run)?.name ?? ''}, copy`);
    store.open(copy).rewindTo(10);
    expect(store.loadCheckpoint(run).step).toBe(20);
    expect(store.loadCheckpoint(copy).step).toBe(10);
  });

  it('of a run that is being written can be continued', () => {
    const run = made(false);
    const copy = store.shelf.copy(run);
    expect(summaryOf(run)?.state).toBe('running');
    expect(summaryOf(copy)?.state).toBe('stopped');
    const writer = store.open(copy);
    writer.appendMetrics(metricRows(31, 31));
    writer.end('finished');
    expect(store.metrics(run, 0, 99).step.length).toBe(30);
  });
});

describe('an exported run', () => {
  it('comes back elsewhere with everything, and beside itself under another id', async () => {
    const run = made(false);
    store.shelf.label(run, { name: 'Far', tags: ['x'] });
    const { file, bytes } = await exportRun(root, run);
    expect(statSync(file).size).toBe(bytes);
    expect(readdirSync(join(root, 'runs'))).toEqual([run]);
    const there = temporaryRoot();
    try {
      expect(await importRun(there.root, file)).toEqual({ run });
      const other = openStore(there.root);
      const [summary] = other.list();
      expect(summary).toMatchObject({ run, name: 'Far', tags: ['x'], state: 'stopped', step: 30 });
      expect(other.loadCheckpoint(run, 10).tensors).toEqual(store.loadCheckpoint(run, 10).tensors);
      other.close();
    } finally {
      there.remove();
    }
    const { run: second } = await importRun(root, file);
    expect(second).toBe(`${run}-2`);
    expect(summaryOf(second)?.name).toBe('Far, imported');
    expect(contentOf(second)).toEqual(contentOf(run));
  });

  it('that was cut anywhere, changed in any byte or is another file leaves nothing', async () => {
    const { file } = await exportRun(root, made());
    const whole = readFileSync(file);
    const before = readdirSync(join(root, 'runs'));
    const attempt = async (bytes: Buffer): Promise<AppError> => {
      const path = join(root, 'attempt.tar');
      writeFileSync(path, bytes);
      const failure: unknown = await importRun(root, path).then(
        ({ run }) => new Error(`it was imported as ${run}`),
        (error: unknown) => error,
      );
      expect(failure).toBeInstanceOf(AppError);
      return failure as AppError;
    };
    const cuts = [0, 1, 511, 512, 513, ...[0.25, 0.5, 0.75].map((part) => part * whole.length)];
    // The end of a tar file is two empty blocks: the manifest before them is what must be whole.
    const end = whole.lastIndexOf('manifest.json') + 512 + 10;
    for (const cut of [...cuts, end]) {
      const { code, message } = await attempt(whole.subarray(0, Math.floor(cut)));
      expect([code, message]).toEqual(['bad_data', expect.stringContaining('no exported run')]);
    }
    for (let i = 0; i < 40; i++) {
      const flipped = Buffer.from(whole);
      const at = Math.floor((end * (i + 0.5)) / 40);
      flipped[at] = (flipped[at] ?? 0) ^ 0xff;
      // Padding between files is nobody's: there a changed byte may pass.
      const block = Math.floor(at / 512) * 512;
      if (whole.subarray(at, block + 512).every((byte) => byte === 0)) continue;
      await attempt(flipped);
    }
    await attempt(Buffer.from('not a tar file at all'.repeat(100)));
    expect(readdirSync(join(root, 'runs'))).toEqual(before);
  });

  it('that names a place outside is refused', async () => {
    const { file } = await exportRun(root, made());
    const whole = readFileSync(file);
    const header = whole.indexOf('run.sqlite');
    for (const name of ['../escaped', '/tmp/escape', 'run.jsonx.']) {
      const bad = Buffer.from(whole);
      bad.fill(0, header, header + 20);
      bad.write(name, header);
      // The header's own sum, so that the name itself is what is judged.
      bad.fill(32, header + 148, header + 156);
      const sum = bad.subarray(header, header + 512).reduce((total, byte) => total + byte, 0);
      bad.write(`${sum.toString(8).padStart(6, '0')}\0 `, header + 148);
      const path = join(root, 'bad.tar');
      writeFileSync(path, bad);
      await expect(importRun(root, path)).rejects.toThrow(/it holds/);
    }
    expect(existsSync(join(root, 'escaped'))).toBe(false);
    await expect(importRun(root, 'relative.tar')).rejects.toThrow(/no file/);
  });
});

describe('2,000 runs', () => {
  it('are listed in at most 500 ms by a store that has just been opened', () => {
    const run = made();
    store.shelf.label(run, { tags: ['one'] });
    const runs = join(root, 'runs');
    const source = join(runs, run);
    for (let i = 0; i < 1999; i++) {
      const stamp = `2026${String((i % 12) + 1).padStart(2, '0')}01-00${String(Math.floor(i / 60) % 60).padStart(2, '0')}${String(i % 60).padStart(2, '0')}`;
      const folder = join(runs, `${stamp}-generated-run-${i + 2}`);
      mkdirSync(folder);
      for (const file of ['run.json', 'run.sqlite', 'labels.json'])
        linkSync(join(source, file), join(folder, file));
    }
    /** Wall and processor time, ms. */
    const timed = (act: () => unknown): { wall: number; cpu: number } => {
      const began = performance.now();
      const used = process.cpuUsage();
      act();
      const { user, system } = process.cpuUsage(used);
      return { wall: performance.now() - began, cpu: (user + system) / 1000 };
    };
    // Folders that come from elsewhere: no index and no summary is of them. The newest come first.
    const slice = store.listWithin(150);
    expect(slice.runs.length + slice.unread).toBe(2000);
    expect(slice.runs[0]?.run).toMatch(/^20261201/);
    const glance = openStore(root, { readonly: true });
    const soon = timed(() => glance.listWithin(150));
    const strange = timed(() => {
      while (glance.listWithin(150).unread > 0);
    });
    expect(glance.list()).toEqual(store.list());
    glance.close();
    const fresh = openStore(root, { readonly: true });
    const first = timed(() => expect(fresh.list().length).toBe(2000));
    const again = timed(() => fresh.list());
    fresh.close();
    const said = Object.entries({
      'first sight, first part': soon,
      'all of it': strange,
      'new store': first,
      again,
    });
    console.log(
      `2,000 runs: ${said.map(([what, { wall, cpu }]) => `${what} ${wall.toFixed(0)} ms (processor ${cpu.toFixed(0)})`).join(', ')}`,
    );
    // The processor's time: what others do on this machine meanwhile is not the list's.
    for (const each of [soon, first, again]) expect(each.cpu).toBeLessThan(500);
  });
});
