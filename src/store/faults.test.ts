import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openStore } from '.';
import { everyCall, FaultyFs, kindsOfFault } from './testing/faulty-fs';
import { metricRows, ORIGIN, samplesAt, temporaryRoot, tensorsOf } from './testing/workspace';

const cases = kindsOfFault(4);

it.each(cases)('writing a checkpoint: $code, for good $forGood', (fault) => {
  const { root, remove } = temporaryRoot();
  const faults = new FaultyFs();
  const store = openStore(root, { fs: faults.port });
  const writer = store.create(ORIGIN);
  // Of steps that double, each new one drops one.
  for (const step of [1, 2, 4]) writer.writeCheckpoint(step, tensorsOf(step), {}, 2);
  let step = 4;
  let before = store.read(writer.run).checkpoints;
  const tried = everyCall(
    faults,
    fault,
    () => writer.writeCheckpoint((step *= 2), tensorsOf(step), {}, 2),
    (failed) => {
      const { checkpoints, events } = store.read(writer.run);
      const written = checkpoints.some((row) => row.step === step);
      // Thrown and not there, or there: then what could not be removed is told.
      expect(written).toBe(!failed);
      expect(checkpoints).toHaveLength(3);
      for (const row of checkpoints) {
        expect(store.loadCheckpoint(writer.run, row.step).tensors).toEqual(tensorsOf(row.step));
      }
      const files = readdirSync(join(root, 'runs', writer.run, 'checkpoints'));
      const dropped = before.filter((row) => !checkpoints.some(({ step: at }) => at === row.step));
      expect(dropped).toHaveLength(failed ? 0 : 1);
      if (dropped.some(({ file }) => files.includes(file.split('/')[1] ?? '')))
        expect(events.at(-1)?.message).toMatch(/could not be removed/);
      before = checkpoints;
    },
  );
  expect(tried).toBeGreaterThan(10);
  writer.release();
  store.open(writer.run);
  // Opening again has swept what the faults left.
  const { checkpoints } = store.read(writer.run);
  expect(readdirSync(join(root, 'runs', writer.run, 'checkpoints')).sort()).toEqual(
    checkpoints.map(({ file }) => file.split('/')[1]),
  );
  store.close();
  remove();
});

it.each(cases)('writing samples and rewinding: $code, for good $forGood', (fault) => {
  const { root, remove } = temporaryRoot();
  const faults = new FaultyFs();
  const store = openStore(root, { fs: faults.port });
  const writer = store.create(ORIGIN);
  const before = samplesAt(writer.run, 5, 3);
  writer.writeSamples(before);
  writer.appendMetrics(metricRows(1, 5));
  let step = 5;
  everyCall(
    faults,
    fault,
    () => writer.writeSamples(samplesAt(writer.run, ++step, 2)),
    (failed) => {
      expect(store.sampleSteps(writer.run).includes(step)).toBe(!failed);
      for (const at of store.sampleSteps(writer.run)) {
        expect(store.loadSamples(writer.run, at).settings.step).toBe(at);
      }
    },
  );
  everyCall(
    faults,
    fault,
    () => writer.rewindTo(5),
    () => {
      expect(store.sampleSteps(writer.run)).toEqual([5]);
      expect(store.loadSamples(writer.run, 5)).toEqual(before);
      expect(store.metrics(writer.run, 0, 10).next).toBe(5);
      writer.writeSamples(samplesAt(writer.run, 6, 1));
    },
  );
  store.close();
  remove();
});

it.each(cases)('creating and opening a run: $code, for good $forGood', (fault) => {
  const { root, remove } = temporaryRoot();
  const faults = new FaultyFs();
  const store = openStore(root, { fs: faults.port });
  store.create(ORIGIN).end('finished');
  let runs = 1;
  everyCall(
    faults,
    fault,
    () => store.create(ORIGIN),
    (failed) => {
      if (!failed) runs += 1;
      const states = store.list().map(({ state }) => state);
      // A run that could not be removed again may stay, whole and unfinished; none is damaged.
      expect(states).not.toContain('failed');
      if (!fault.forGood) expect(states).toHaveLength(runs);
      runs = states.length;
      for (const { run, state } of store.list()) if (state !== 'finished') settle(run);
    },
  );
  const first = store.list().at(-1)?.run ?? '';
  everyCall(
    faults,
    fault,
    () => store.open(first),
    (failed) => {
      if (failed) expect(store.list().at(-1)?.state).not.toBe('running');
      else settle(first);
    },
  );
  store.close();
  remove();

  function settle(run: string): void {
    store.close();
    store.open(run).end('finished');
  }
});

it.each(cases)('saving a notebook: $code, for good $forGood', (fault) => {
  const { root, remove } = temporaryRoot();
  const faults = new FaultyFs();
  const { notebooks } = openStore(root, { fs: faults.port });
  notebooks.write('one', '{"version":0}');
  let last = 0;
  everyCall(
    faults,
    fault,
    (n) => notebooks.write('one', `{"version":${n}}`),
    (failed, n) => {
      const { version } = JSON.parse(notebooks.read('one').json) as { version: number };
      // The old one or the new one: after the rename only its durability was in doubt.
      expect(failed ? [last, n] : [n]).toContain(version);
      last = version;
    },
  );
  remove();
});
