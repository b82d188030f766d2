import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openStore } from '.';
import { nodeFs } from './fs-port';
import type { RunStore } from './port';
import { surplus } from './prototypes';
import { SCHEMA_VERSION } from './schema';
import { openDatabase } from './sqlite';
import { olderRun } from './testing/older';
import { metricRows, ORIGIN, snapshotAt, temporaryRoot } from './testing/workspace';

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

const path = (run: string): string => join(root, 'runs', run, 'run.sqlite');

describe('snapshots of the prototypes', () => {
  it('read back as they were, features to half precision', () => {
    const writer = store.create(ORIGIN);
    const written = snapshotAt(10);
    writer.writePrototypes(written, 10);
    const read = store.loadPrototypes(writer.run, 10);
    const { features, ...rest } = read;
    expect(rest).toEqual({ ...written, features: undefined, ...rest });
    expect({ ...read, features: null }).toEqual({ ...written, features: null });
    expect(features.shape).toEqual([7, 3]);
    features.data.forEach((value, i) =>
      expect(Math.abs(value - (written.features.data[i] ?? NaN))).toBeLessThanOrEqual(2 ** -11),
    );
    expect(() => store.loadPrototypes(writer.run, 11)).toThrow(/no snapshot .* step 11/);
  });

  it('take their swaps later, and none where the snapshot is gone', () => {
    const writer = store.create(ORIGIN);
    writer.writePrototypes(snapshotAt(0), 10);
    writer.writePrototypes(snapshotAt(10), 10);
    const swaps = [{ t: 62, change: 0.25 }];
    writer.writeSwaps(10, swaps);
    writer.writeSwaps(99, swaps);
    expect(store.prototypeSteps(writer.run)).toEqual([
      { step: 0, measured: false, wall: 1000 },
      { step: 10, measured: true, wall: 1010 },
    ]);
    expect(store.loadPrototypes(writer.run, 10).swaps).toEqual(swaps);
    expect(store.loadPrototypes(writer.run, 0).swaps).toEqual([]);
  });

  it('are thinned to an even history below the bound, the first and the newest kept', () => {
    const writer = store.create(ORIGIN);
    for (let step = 0; step <= 4500; step += 10) writer.writePrototypes(snapshotAt(step), 10);
    writer.writePrototypes(snapshotAt(4503), 10);
    const steps = store.prototypeSteps(writer.run).map(({ step }) => step);
    expect(steps.length).toBeLessThanOrEqual(200);
    expect(steps.length).toBeGreaterThan(100);
    expect(steps[0]).toBe(0);
    expect(steps.at(-1)).toBe(4503);
    const gaps = steps.slice(1, -1).map((step, i) => step - (steps[i] ?? 0));
    expect(new Set(gaps)).toEqual(new Set([40]));
  });

  it('keep the same ones whether the run went on or was taken back on its way', () => {
    const straight = store.create(ORIGIN);
    for (let step = 0; step <= 3000; step += 10) straight.writePrototypes(snapshotAt(step), 10);
    const back = store.create(ORIGIN);
    for (let step = 0; step <= 2100; step += 10) back.writePrototypes(snapshotAt(step), 10);
    back.rewindTo(1800);
    for (let step = 1810; step <= 3000; step += 10) back.writePrototypes(snapshotAt(step), 10);
    expect(store.prototypeSteps(back.run)).toEqual(store.prototypeSteps(straight.run));
  });

  it('are fewer where they are large: 64 MiB of them, but 8', () => {
    const writer = store.create(ORIGIN);
    const wide = snapshotAt(0, 100_000); // 2 MB of bank and 1.4 MB of features
    for (let step = 0; step <= 300; step += 10) writer.writePrototypes({ ...wide, step }, 10);
    const bytes = (4 * 5 + 2 * 7) * 100_000;
    const kept = store.prototypeSteps(writer.run).length;
    expect(kept * bytes).toBeLessThan(65 * 2 ** 20);
    expect(kept).toBeGreaterThanOrEqual(8);
    expect(surplus([0, 10, 20, 30, 40, 50, 60], 10, 8)).toEqual([]);
    expect(surplus([0, 10, 20, 30, 40, 50, 60, 65], 10, 8)).toEqual([]);
    expect(surplus([0, 10, 20, 30, 40, 50, 60, 70, 80], 10, 8)).toEqual([10, 30, 50, 70]);
  });

  it('go with the steps that are taken back; the probe images and the names stay', () => {
    const writer = store.create(ORIGIN);
    const probe = {
      index: Int32Array.of(9, 4, 7),
      labels: Int32Array.of(1, 0, 1),
      classes: ['a', 'b'],
    };
    expect(store.probe(writer.run)).toBeNull();
    writer.writeProbe(probe);
    writer.appendMetrics(metricRows(1, 30));
    for (const step of [0, 10, 20, 30]) writer.writePrototypes(snapshotAt(step), 10);
    store.labelPrototype(writer.run, { prototype: 2, name: 'loops', colour: 5 });
    writer.rewindTo(20);
    expect(store.prototypeSteps(writer.run).map(({ step }) => step)).toEqual([0, 10, 20]);
    expect(store.probe(writer.run)).toEqual(probe);
    writer.writeProbe({ ...probe, labels: null, classes: [] });
    expect(store.probe(writer.run)).toEqual({ ...probe, labels: null, classes: [] });
    expect(store.prototypeLabels(writer.run)).toHaveLength(1);
  });

  it('that are damaged are refused with a sentence', () => {
    const writer = store.create(ORIGIN);
    writer.writePrototypes(snapshotAt(0), 10);
    writer.release();
    const db = openDatabase(path(writer.run), false);
    db.exec('UPDATE prototypes SET bank = substr(bank, 1, 9)');
    db.close();
    expect(() => store.loadPrototypes(writer.run, 0)).toThrow(
      expect.objectContaining({ code: 'disk' }) as Error,
    );
  });
});

describe('names of prototypes', () => {
  it('that a branch has from its parent are there as soon as its folder is', () => {
    const label = { prototype: 3, name: 'sevens', colour: 2 };
    let appeared = 0;
    const rename = (from: string, to: string): void => {
      nodeFs.rename(from, to);
      const [made] = openStore(root, { readonly: true }).list();
      if (made === undefined) return;
      appeared += 1;
      expect(store.prototypeLabels(made.run)).toEqual([label]);
    };
    const watched = openStore(root, { fs: { ...nodeFs, rename } });
    watched.create(ORIGIN, undefined, [label]).release();
    expect(appeared).toBeGreaterThan(0);
    watched.close();
  });

  it('are set, changed and removed, also once the run has ended, which stays as it ended', () => {
    const writer = store.create(ORIGIN);
    store.labelPrototype(writer.run, { prototype: 3, name: 'sevens', colour: null });
    writer.appendMetrics(metricRows(1, 5));
    writer.end('finished');
    const before = store.list();
    store.labelPrototype(writer.run, { prototype: 1, name: '', colour: 7 });
    store.labelPrototype(writer.run, { prototype: 3, name: 'ones', colour: 0 });
    expect(store.prototypeLabels(writer.run)).toEqual([
      { prototype: 1, name: '', colour: 7 },
      { prototype: 3, name: 'ones', colour: 0 },
    ]);
    store.labelPrototype(writer.run, { prototype: 1, name: '', colour: null });
    expect(store.prototypeLabels(writer.run)).toHaveLength(1);
    expect(store.list()).toEqual(before);
    expect(openStore(root).list()).toEqual(before);
    // The lock is free again.
    store.open(writer.run).release();
  });

  it('wait while another process writes the run, and need a workspace that may be written', () => {
    const { run } = store.create(ORIGIN);
    const label = { prototype: 0, name: 'a', colour: null };
    const other = openStore(root, { readonly: true });
    expect(() => other.labelPrototype(run, label)).toThrow(/reading only/);
    const second = openStore(root);
    expect(() => second.labelPrototype(run, label)).toThrow(
      expect.objectContaining({ code: 'busy' }) as Error,
    );
  });
});

describe('a run from before there were snapshots', () => {
  const versionOf = (run: string): number => {
    const db = openDatabase(path(run), true);
    try {
      return db.version();
    } finally {
      db.close();
    }
  };

  it('opens and reads as it is; the tables come when it is written', () => {
    const run = olderRun(root, 1);
    expect(store.list()).toMatchObject([{ run, state: 'stopped', step: 5 }]);
    expect(store.prototypeSteps(run)).toEqual([]);
    expect(store.probe(run)).toBeNull();
    expect(store.prototypeLabels(run)).toEqual([]);
    expect(() => store.loadPrototypes(run, 0)).toThrow(
      expect.objectContaining({ code: 'not_found' }) as Error,
    );
    expect(versionOf(run)).toBe(1);

    store.labelPrototype(run, { prototype: 0, name: 'old', colour: null });
    expect(versionOf(run)).toBe(SCHEMA_VERSION);
    expect(store.prototypeLabels(run)).toHaveLength(1);
    expect(store.metrics(run, 0, 100).next).toBe(5);
    expect(store.list()).toMatchObject([{ run, state: 'stopped', step: 5 }]);
    const writer = store.open(run);
    writer.writePrototypes(snapshotAt(5), 10);
    expect(store.prototypeSteps(run)).toEqual([{ step: 5, measured: false, wall: 1005 }]);
  });
});
