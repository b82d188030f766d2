import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openStore } from '.';
import { BLOCK } from './metrics';
import type { MetricRows, RunStore, RunWriter } from './port';
import { openDatabase } from './sqlite';
import { SEED } from './testing/random';
import { metricRows, ORIGIN, temporaryRoot } from './testing/workspace';

let root: string;
let remove: () => void;
let store: RunStore;
let writer: RunWriter;

beforeEach(() => {
  ({ root, remove } = temporaryRoot());
  store = openStore(root);
  writer = store.create(ORIGIN);
});
afterEach(() => {
  store.close();
  remove();
});

const all = (): MetricRows => store.metrics(writer.run, 0, 1e9);

function blocks(): number {
  const db = openDatabase(join(root, 'runs', writer.run, 'run.sqlite'), true);
  const { length } = db.prepare('SELECT block FROM metric_blocks').all();
  db.close();
  return length;
}

describe('packed blocks', () => {
  it('hold what the rows hold: reading is the same without them', () => {
    writer.appendMetrics(metricRows(1, 3 * BLOCK + 100));
    expect(blocks()).toBe(3);
    const packed = all();
    expect(packed.next).toBe(3 * BLOCK + 100);
    writer.release();
    const db = openDatabase(join(root, 'runs', writer.run, 'run.sqlite'), false);
    db.exec('DELETE FROM metric_blocks');
    db.close();
    expect(all()).toEqual(packed);
  });

  it('from before a metric was first written read NaN for it', () => {
    writer.appendMetrics(metricRows(1, BLOCK + 1));
    const late = { step: BLOCK + 2, wall: 1, active: 1, values: { 'proto/perplexity': 3 } };
    writer.appendMetrics([late]);
    const { keys, values } = all();
    expect(keys).toEqual(['train/loss', 'train/lr', 'proto/perplexity']);
    expect([...values.slice(3, 6)]).toEqual([1 / 2, 1e-3, NaN]);
    expect([...values.slice(-3)]).toEqual([NaN, NaN, 3]);
  });

  it('go with a rewind into them, and come back whole', () => {
    writer.appendMetrics(metricRows(1, 2 * BLOCK));
    writer.rewindTo(BLOCK + 7);
    expect(blocks()).toBe(1);
    writer.appendMetrics(metricRows(BLOCK + 8, 2 * BLOCK + 1));
    expect(blocks()).toBe(2);
    expect([...all().step]).toEqual(Array.from({ length: 2 * BLOCK + 1 }, (_, i) => i + 1));
  });

  it('that are damaged are told, not read', () => {
    writer.appendMetrics(metricRows(1, BLOCK));
    writer.release();
    const db = openDatabase(join(root, 'runs', writer.run, 'run.sqlite'), false);
    db.exec("UPDATE metric_blocks SET data = x'00'");
    db.close();
    expect(all).toThrow(expect.objectContaining({ code: 'disk' }) as Error);
  });
});

it('any page is that part of the whole', () => {
  writer.appendMetrics(metricRows(1, 2 * BLOCK + 50));
  const whole = all();
  const pages = fc.tuple(fc.nat(2 * BLOCK + 60), fc.nat(BLOCK + 20));
  fc.assert(
    fc.property(pages, ([from, limit]) => {
      const page = store.metrics(writer.run, from, limit);
      expect(page.step).toEqual(whole.step.slice(from, from + limit));
      expect(page.active).toEqual(whole.active.slice(from, from + limit));
      expect(page.values).toEqual(whole.values.slice(2 * from, 2 * (from + limit)));
      expect(page.next).toBe(Math.min(from, whole.next) + page.step.length);
    }),
    { seed: SEED, numRuns: 30 },
  );
});

it('appending and rewinding at random leaves the series that a plain list would hold', () => {
  const acts = fc.array(
    fc.oneof(
      fc.record({ append: fc.integer({ min: 1, max: 40 }) }),
      fc.record({ rewind: fc.nat(200) }),
    ),
    { maxLength: 25 },
  );
  fc.assert(
    fc.property(acts, (list) => {
      writer.rewindTo(0);
      let last = 0;
      for (const act of list) {
        if ('append' in act) {
          writer.appendMetrics(metricRows(last + 1, last + act.append));
          last += act.append;
        } else {
          writer.rewindTo(act.rewind);
          last = Math.min(last, act.rewind);
        }
      }
      expect([...all().step]).toEqual(Array.from({ length: last }, (_, i) => i + 1));
    }),
    { seed: SEED, numRuns: 20 },
  );
});
