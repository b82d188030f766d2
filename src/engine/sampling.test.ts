import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configFor } from '@shared/config/presets';
import type { RunConfig } from '@shared/config/run-config';
import { alike, prototypeRows } from '@shared/config/sampling-rows';
import type {
  SubscriptionEvent,
  SubscriptionInput,
  SubscriptionName,
} from '@shared/protocol/contract';
import { subscriptions } from '@shared/protocol/contract';
import { FINISHED } from '@shared/protocol/contract-trajectories';
import { createEngine } from './engine';
import type { Engine } from './engine';

const workspace = mkdtempSync(join(tmpdir(), 'protodiff-sampling-'));
let engine: Engine;
let run = '';

function tiny(steps: number): RunConfig {
  const config = configFor('tiny', { kind: 'digits' });
  return { ...config, training: { ...config.training, steps, checkpoint_every: 5 } };
}

const start = async (steps: number): Promise<string> =>
  (await engine.request('run.start', { config: tiny(steps) }, new AbortController().signal)).run;
const summary = async (of: string) =>
  (await engine.request('run.get', { run: of }, new AbortController().signal)).summary;

async function until(probe: () => boolean | Promise<boolean>, seconds = 60): Promise<void> {
  const end = Date.now() + seconds * 1000;
  while (!(await probe())) {
    if (Date.now() > end) throw new Error('it did not happen in time');
    await new Promise((done) => setTimeout(done, 5));
  }
}

/** All events of a subscription until it says that it is done, each checked by its schema. */
async function gather<N extends 'trajectory' | 'sheet'>(
  name: N,
  input: SubscriptionInput<N>,
  each: (event: SubscriptionEvent<N>) => void = () => undefined,
): Promise<SubscriptionEvent<N>[]> {
  const events: SubscriptionEvent<N>[] = [];
  const source = engine.subscribe(name as SubscriptionName, input as never, () => undefined);
  try {
    await until(() => {
      const event = source.pull();
      if (event === undefined) return false;
      events.push(subscriptions[name].event.parse(event) as SubscriptionEvent<N>);
      each(event as SubscriptionEvent<N>);
      return (event as { phase: string }).phase === 'done';
    });
    return events;
  } finally {
    source.close();
  }
}

type Grid = Extract<SubscriptionInput<'trajectory'>, object>;
const grid = (more: Partial<Grid> = {}): Grid => ({
  run,
  rows: prototypeRows(4, 'ddim'),
  seed: 7,
  columns: 4,
  steps: 8,
  eta: 0,
  ...more,
});

/** Every frame with its own pixels. */
function framesOf(events: SubscriptionEvent<'trajectory'>[]) {
  return events.flatMap(({ frames, x_t, x_0, eps }) => {
    const size = x_t.data.length / Math.max(1, frames.length);
    return frames.map((frame, i) => ({
      ...frame,
      x_t: x_t.data.slice(i * size, (i + 1) * size),
      x_0: x_0.data.slice(i * size, (i + 1) * size),
      eps: eps.data.slice(i * size, (i + 1) * size),
    }));
  });
}

beforeAll(async () => {
  engine = await createEngine({
    workspace,
    resources: resolve('resources'),
    importerEntry: 'none',
    appVersion: 'test',
  });
  run = await start(12);
  await until(async () => (await summary(run)).state === 'finished');
});
afterAll(async () => {
  await engine.close();
  rmSync(workspace, { recursive: true, force: true });
});

describe('trajectories', () => {
  it('of a stored run: every row and column once, from one noise, apart at the end', async () => {
    const events = await gather('trajectory', grid());
    const frames = framesOf(events);
    expect(events.at(-1)).toMatchObject({ weights_steps: [12, 12, 12, 12], done: 8, total: 8 });
    expect(events.at(-1)?.columns).toEqual([875, 625, 250, 0, FINISHED].map((t) => t));
    expect(frames.length).toBe(4 * 5);
    const at = (row: number, column: number) =>
      frames.find((frame) => frame.row === row && frame.column === column);
    for (let row = 1; row < 4; row++) {
      expect(at(row, 0)?.x_t).toEqual(at(0, 0)?.x_t);
      expect(at(row, 4)?.x_t).not.toEqual(at(0, 4)?.x_t);
      expect(at(row, 4)?.apart).toBeGreaterThan(0);
    }
    expect(at(0, 2)?.apart).toBe(0);
    expect(at(0, 1)?.eps).not.toEqual(at(1, 1)?.eps);
    expect(at(0, 4)?.x_0).toEqual(at(0, 4)?.x_t);
  });

  it('repeat, whatever rows they stand among, and end in the contact sheet', async () => {
    const rows = prototypeRows(4, 'ddim');
    const all = framesOf(await gather('trajectory', grid()));
    const one = framesOf(await gather('trajectory', grid({ rows: rows.slice(2, 3) })));
    const close = (a?: Uint8Array, b?: Uint8Array): number =>
      Math.max(...Array.from(a ?? [], (value, i) => Math.abs(value - (b?.[i] ?? NaN))));
    const image = all.find(({ row, column }) => row === 2 && column === 4);
    expect(close(image?.x_t, one.find(({ column }) => column === 4)?.x_t)).toBeLessThanOrEqual(1);
    const sheet = await gather('sheet', {
      ...{ run, columns: [alike(0), alike(2)], seed: 6, rows: 3, weights: 'ema', sampler: 'ddim' },
      ...{ steps: 8, eta: 0, checkpoint: null, guidance: 1 },
    });
    const cells = sheet.flatMap(({ cells, images }) =>
      cells.map((cell, i) => ({ cell, data: images.data.slice(i * 256, (i + 1) * 256) })),
    );
    expect(cells.map(({ cell }) => cell.join()).sort()).toEqual(
      ['0,0', '0,1', '0,2', '1,0', '1,1', '1,2'].sort(),
    );
    const same = cells.find(({ cell }) => cell.join() === '1,1');
    expect(close(image?.x_t, same?.data)).toBeLessThanOrEqual(1);
  });

  it('find the training image nearest to each image of a sheet, and what is usual', async () => {
    const input: SubscriptionInput<'sheet'> = {
      ...{ run, columns: [alike(0), alike(1)], seed: 6, rows: 2, weights: 'ema', sampler: 'ddim' },
      ...{ steps: 4, eta: 0, checkpoint: null, guidance: 1 },
    };
    const without = (await gather('sheet', input)).at(-1);
    expect(without?.nearest_index.data.length).toBe(0);
    expect(without?.usual_distance).toBeNull();

    const events = await gather('sheet', { ...input, nearest: true });
    const last = events.at(-1);
    expect(last).toMatchObject({ phase: 'done', done: last?.total });
    // Digits of 16 x 16 differ from the next like one by a tenth of the range, about.
    expect(last?.usual_distance).toBeGreaterThan(0.02);
    expect(last?.usual_distance).toBeLessThan(0.3);
    expect(events.flatMap(({ cells }) => cells)).toHaveLength(4);
    for (const { cells, images, nearest_index, nearest_distance, nearest_images } of events) {
      expect(nearest_index.shape).toEqual([cells.length]);
      expect(nearest_images.shape).toEqual(images.shape);
      cells.forEach((_, i) => {
        let sum = 0;
        for (let at = 256 * i; at < 256 * (i + 1); at++) {
          sum += ((images.data[at] ?? 0) - (nearest_images.data[at] ?? 0)) ** 2;
        }
        expect(nearest_distance.data[i]).toBeCloseTo(Math.sqrt(sum / 256) / 255, 6);
        expect(nearest_images.data.subarray(256 * i, 256 * (i + 1)).some((p) => p > 0)).toBe(true);
      });
    }
  });

  it('take each row its weights, sampler and checkpoint; a mean and a draw of prototypes', async () => {
    const row = prototypeRows(2, 'ddim')[1] as Grid['rows'][number];
    const rows: Grid['rows'] = [
      { ...row },
      { ...row, weights: 'raw' },
      { ...row, checkpoint: 10 },
      { ...row, sampler: 'ddpm' },
      { ...row, prototypes: alike(0, 1) },
      { ...row, prototypes: [] },
    ];
    const events = await gather('trajectory', grid({ rows }));
    expect(events.at(-1)?.weights_steps).toEqual([12, 12, 10, 12, 12, 12]);
    const last = framesOf(events).filter(({ t }) => t === FINISHED);
    expect(last.length).toBe(6);
    for (const { row: at, apart } of last) {
      if (at > 0) expect(apart, `row ${at}`).toBeGreaterThan(0);
    }
  });

  it('mix by weights: the shares decide, not their scale; another run stands beside', async () => {
    const mixed = (a: number, b: number): Grid['rows'][number] => ({
      ...(prototypeRows(1, 'ddim')[0] as Grid['rows'][number]),
      prototypes: [
        { prototype: 0, weight: a },
        { prototype: 1, weight: b },
      ],
    });
    const other = await start(6);
    await until(async () => (await summary(other)).state === 'finished');
    const rows = [mixed(1, 0), mixed(0.7, 0.3), mixed(7, 3), mixed(1, 1), mixed(0, 1)];
    const from = prototypeRows(1, 'ddim').map((row) => ({ ...row, run: other }));
    const events = await gather('trajectory', grid({ rows: [...rows, ...from] }));
    expect(events.at(-1)?.weights_steps).toEqual([12, 12, 12, 12, 12, 6]);
    const last = framesOf(events).filter(({ t }) => t === FINISHED);
    const apart = (row: number): number => last.find((frame) => frame.row === row)?.apart ?? NaN;
    expect(apart(1)).toBe(apart(2));
    expect(apart(1)).toBeGreaterThan(0);
    expect(apart(3)).toBeGreaterThan(apart(1));
    expect(apart(4)).toBeGreaterThan(apart(3));
    const alone = framesOf(
      await gather('trajectory', grid({ run: other, rows: rows.slice(0, 1) })),
    );
    const beside = last.find(({ row }) => row === 5);
    const own = alone.find(({ t }) => t === FINISHED);
    const off = Array.from(own?.x_t ?? [], (value, i) => Math.abs(value - (beside?.x_t[i] ?? NaN)));
    expect(Math.max(...off)).toBeLessThanOrEqual(1);
  });

  it('refuse what cannot be made, in a sentence', async () => {
    const rows = [{ ...prototypeRows(1, 'ddim')[0], prototypes: alike(99) }] as Grid['rows'];
    await expect(gather('trajectory', grid({ rows }))).rejects.toThrow(/no prototype 99/);
    await expect(gather('trajectory', grid({ steps: 5000 }))).rejects.toThrow(/exceed the chain/);
    const gone = [{ ...prototypeRows(1, 'ddim')[0], checkpoint: 3 }] as Grid['rows'];
    await expect(gather('trajectory', grid({ rows: gone }))).rejects.toMatchObject({
      code: 'not_found',
    });
  });

  it('of a run in training: come while it trains, which keeps half its rate', async () => {
    const live = await start(100_000);
    await until(async () => (await summary(live)).step > 20);
    const count = async (): Promise<number> => {
      const activity = engine.subscribe('status', {}, () => undefined);
      const { active } = activity.pull() as SubscriptionEvent<'status'>;
      activity.close();
      return active?.step ?? NaN;
    };
    const rate = async (ms: number): Promise<number> => {
      const [from, began] = [await count(), performance.now()];
      await new Promise((done) => setTimeout(done, ms));
      return ((await count()) - from) / (performance.now() - began);
    };
    const alone = await rate(1000);
    let drawn = (): void => undefined;
    const firstFrames = new Promise<void>((done) => (drawn = done));
    const work = gather(
      'trajectory',
      grid({ run: live, steps: 500, rows: prototypeRows(4, 'ddim') }),
      ({ frames }) => frames.length > 0 && drawn(),
    );
    await firstFrames; // Their network is made once, whose time is paid back from the steps after it.
    const beside = await rate(1000);
    const events = await work;
    expect(events.length).toBeGreaterThan(5);
    expect(events.at(-1)?.weights_steps[0]).toBeGreaterThan(20);
    console.log(`training keeps ${((100 * beside) / alone).toFixed(0)} % of its rate`);
    await engine.request('run.stop', { run: live }, new AbortController().signal);
    // Half, less what a second on a loaded machine may be off.
    expect(beside / alone).toBeGreaterThan(0.45);
  });

  it('change no bit of the training beside them', async () => {
    const plain = await start(40);
    await until(async () => (await summary(plain)).state === 'finished');
    const watched = await start(40);
    const work = gather('trajectory', grid({ run: watched, steps: 20 }));
    await until(async () => (await summary(watched)).state === 'finished');
    await work;
    expect(await engine.weightsSha256(watched)).toBe(await engine.weightsSha256(plain));
  });

  it('stop when nobody looks any more', async () => {
    let told = 0;
    const source = engine.subscribe('trajectory', grid({ steps: 1000 }), () => (told += 1));
    await until(() => told > 2);
    source.close();
    const at = told;
    await new Promise((done) => setTimeout(done, 200));
    expect(told).toBe(at);
    expect(at).toBeLessThan(1000);
  });
});
