import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configFor } from '@shared/config/presets';
import type { RunConfig } from '@shared/config/run-config';
import { churnOf, nmiOf, perplexityOf, purityOf } from '@shared/maths/clusters';
import { subscriptions } from '@shared/protocol/contract';
import type {
  RequestInput,
  RequestName,
  RequestOutput,
  SubscriptionEvent,
  SubscriptionInput,
  SubscriptionName,
} from '@shared/protocol/contract';
import { createEngine } from './engine';
import type { Engine } from './engine';

const workspace = mkdtempSync(join(tmpdir(), 'protodiff-prototypes-'));
let engine: Engine;
/** Of 24 steps with a snapshot every 5. */
let run = '';

const open = (): Promise<Engine> =>
  createEngine({
    workspace,
    resources: resolve('resources'),
    importerEntry: 'none',
    appVersion: 'test',
  });
const ask = <N extends RequestName>(name: N, input: RequestInput<N>): Promise<RequestOutput<N>> =>
  engine.request(name, input, new AbortController().signal);

function tiny(probe_every: number, steps = 24, variant: 'pdm' | 'spdm' = 'pdm'): RunConfig {
  const config = configFor('tiny', { kind: 'digits' });
  const { training, model, sampling, knobs } = config;
  return {
    ...config,
    training: { ...training, steps, checkpoint_every: 10, probe_every },
    model: { ...model, variant, k: variant === 'spdm' ? 10 : model.k },
    // Pictures of 16 in few steps: the swaps have their turn soon.
    sampling: { ...sampling, steps: 2, count: 16 },
    knobs: { ...knobs, sample_every: 1000 },
  };
}

async function until(probe: () => boolean | Promise<boolean>, seconds = 100): Promise<void> {
  const end = Date.now() + seconds * 1000;
  while (!(await probe())) {
    if (Date.now() > end) throw new Error('it did not happen in time');
    await new Promise((done) => setTimeout(done, 5));
  }
}
const stateOf = async (of: string): Promise<string> =>
  (await ask('run.get', { run: of })).summary.state;

async function finished(config: RunConfig): Promise<string> {
  const started = await ask('run.start', { config });
  await until(async () => (await stateOf(started.run)) === 'finished');
  return started.run;
}

/** All that a source has now, each event checked by its schema. */
function drain<N extends SubscriptionName>(
  name: N,
  input: SubscriptionInput<N>,
): SubscriptionEvent<N>[] {
  const source = engine.subscribe(name as SubscriptionName, input as never, () => undefined);
  const events: SubscriptionEvent<N>[] = [];
  for (let event = source.pull(); event !== undefined; event = source.pull()) {
    events.push(subscriptions[name].event.parse(event) as SubscriptionEvent<N>);
  }
  source.close();
  return events;
}
const snapshots = (of: string) => drain('prototypes', { run: of });

/** Values of one metric by step, those that are there. */
function metric(of: string, key: string): Record<number, number> {
  const out: Record<number, number> = {};
  for (const { keys, step, values } of drain('curves', { run: of })) {
    step.data.forEach((at, row) => {
      const value = values.data[row * keys.length + keys.indexOf(key)] ?? NaN;
      if (!Number.isNaN(value)) out[at] = value;
    });
  }
  return out;
}
const stepsOf = (values: Record<number, number>): number[] => Object.keys(values).map(Number);

beforeAll(async () => {
  engine = await open();
  run = await finished(tiny(5));
});
afterAll(async () => {
  await engine.close();
  rmSync(workspace, { recursive: true, force: true });
});

describe('snapshots of the prototypes', () => {
  it('are taken at step 0, every so many steps and at the end, and come in order', () => {
    const all = snapshots(run);
    expect(all.map(({ step }) => step)).toEqual([0, 5, 10, 15, 20, 24]);
    expect(all.map(({ restart }) => restart)).toEqual([true, ...Array<boolean>(5).fill(false)]);
    for (const { bank, features, assignment, usage } of all) {
      expect(bank.shape).toEqual([4, 16]);
      expect(features.shape).toEqual([384, 16]);
      expect(assignment.shape).toEqual([384]);
      expect(usage.shape).toEqual([4]);
    }
    expect(all[5]?.bank.data).not.toEqual(all[0]?.bank.data);
    expect(all[5]?.features.data).not.toEqual(all[0]?.features.data);
  });

  it('have figures that follow from what they hold', async () => {
    const all = snapshots(run);
    const { labels } = await ask('prototypes.probe', { run });
    all.forEach(({ assignment, assignments, usage, step, ...figures }, i) => {
      const before = all[i - 1]?.assignment.data;
      expect(assignments).toBe(8 * step);
      expect(figures.churn).toBe(before ? churnOf(before, assignment.data) : null);
      expect(figures.purity).toBe(purityOf(assignment.data, labels.data));
      expect(figures.nmi).toBe(nmiOf(assignment.data, labels.data));
      expect(figures.perplexity).toBe(step === 0 ? null : perplexityOf(usage.data));
      const sum = usage.data.reduce((total, share) => total + share, 0);
      expect(sum).toBeCloseTo(step === 0 ? 0 : 1, 5);
    });
  });

  it('assign as training does: the balanced rule leaves no prototype out', () => {
    const last = snapshots(run).at(-1);
    const used = new Set(last?.assignment.data);
    expect(used.size).toBe(4);
  });

  it('stand in the rows of metrics of their steps, and nowhere else', () => {
    const last = snapshots(run).at(-1);
    for (const key of ['proto/churn', 'proto/purity', 'proto/nmi', 'proto/dead']) {
      expect(stepsOf(metric(run, key))).toEqual([5, 10, 15, 20, 24]);
    }
    expect(metric(run, 'proto/purity')[24]).toBe(last?.purity);
    expect(stepsOf(metric(run, 'proto/perplexity'))).toHaveLength(24);
    expect(metric(run, 'proto/perplexity')[24]).toBe(last?.perplexity);
  });

  it('tell whether the prototype matters, at the first, at some and at the last', () => {
    const measured = snapshots(run).filter(({ swaps }) => swaps.length > 0);
    const at = measured.map(({ step }) => step);
    expect([at[0], at.at(-1)]).toEqual([0, 24]);
    for (const { swaps } of measured) {
      expect(swaps).toHaveLength(8);
      for (const { change } of swaps) expect(change).toBeGreaterThan(0);
    }
  });

  it('are none where they are not wanted', async () => {
    const without = await finished(tiny(0, 3));
    expect(snapshots(without)).toEqual([]);
    await expect(ask('prototypes.probe', { run: without })).rejects.toMatchObject({
      code: 'not_found',
    });
  });

  it('change no bit of the training, however many there are', async () => {
    const hashes = new Set<string>();
    hashes.add(await engine.weightsSha256(run));
    for (const every of [0, 1]) hashes.add(await engine.weightsSha256(await finished(tiny(every))));
    expect(hashes.size).toBe(1);
  });

  it('are those of an uninterrupted run after closing and continuing', async () => {
    const { run: other } = await ask('run.start', { config: tiny(5) });
    const source = engine.subscribe('prototypes', { run: other }, () => undefined);
    await until(() => {
      const event = source.pull() as SubscriptionEvent<'prototypes'> | undefined;
      return (event?.step ?? 0) >= 5;
    });
    source.close();
    await engine.close();
    engine = await open();
    await ask('run.continue', { run: other });
    await until(async () => (await stateOf(other)) === 'finished');
    const strip = (of: string) =>
      snapshots(of).map((each) => ({ ...each, run: '', wall: 0, swaps: [] }));
    expect(strip(other)).toEqual(strip(run));
    for (const key of ['proto/perplexity', 'proto/churn', 'proto/nmi']) {
      expect(metric(other, key)).toEqual(metric(run, key));
    }
    // Swaps may be measured at other steps; where they are, they are the same.
    const swaps = new Map(snapshots(run).map((each) => [each.step, each.swaps]));
    for (const each of snapshots(other)) {
      const known = swaps.get(each.step);
      if (each.swaps.length && known?.length) expect(each.swaps).toEqual(known);
    }
  });

  it('of s-PDM have the label as the assignment', async () => {
    const spdm = await finished(tiny(2, 2, 'spdm'));
    const { labels } = await ask('prototypes.probe', { run: spdm });
    const all = snapshots(spdm);
    expect(all).toHaveLength(2);
    for (const { assignment, purity, nmi } of all) {
      expect(assignment.data).toEqual(labels.data);
      expect(purity).toBe(1);
      expect(nmi).toBeCloseTo(1, 12);
    }
    expect(all[1]?.churn).toBe(0);
  });
});

describe('a live history', () => {
  it('brings each snapshot once, and again when its swaps are known', async () => {
    const { run: live } = await ask('run.start', { config: tiny(5, 100_000) });
    const seen: { step: number; measured: boolean; restart: boolean }[] = [];
    let dirty = true;
    const source = engine.subscribe('prototypes', { run: live }, () => (dirty = true));
    await until(() => {
      if (!dirty) return false;
      dirty = false;
      const event = source.pull() as SubscriptionEvent<'prototypes'> | undefined;
      if (event) {
        seen.push({ step: event.step, measured: event.swaps.length > 0, restart: event.restart });
      }
      return (
        new Set(seen.map(({ step }) => step)).size > 4 && seen.some(({ measured }) => measured)
      );
    });
    source.close();
    const { step: end } = await ask('run.stop', { run: live });
    expect(snapshots(live).at(-1)?.step).toBe(end);
    const whole = seen.filter(
      (each, i) =>
        !seen
          .slice(0, i)
          .some(({ step, measured }) => step === each.step && measured === each.measured),
    );
    expect(seen).toEqual(whole);
    expect(seen.filter(({ restart }) => restart)).toHaveLength(1);
    const firsts = [...new Set(seen.map(({ step }) => step))];
    expect(firsts).toEqual([...firsts].sort((a, b) => a - b));
    expect(stepsOf(metric(live, 'proto/swap')).length).toBeGreaterThan(0);
  });
});

describe('the probe images', () => {
  it('come with labels, class names and pixels of the data set', async () => {
    const probe = await ask('prototypes.probe', { run });
    expect(probe.index.shape).toEqual([384]);
    expect(probe.classes).toEqual(['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
    expect(probe.images.shape).toEqual([384, 16, 16, 1]);
    const perClass = probe.classes.map((_, c) => probe.labels.data.filter((l) => l === c).length);
    for (const count of perClass) expect([38, 39]).toContain(count);
    expect(probe.images.data.some((value) => value > 200)).toBe(true);
  });
});

describe('names of prototypes', () => {
  it('are kept with an ended run, and told to who listens', async () => {
    const told: SubscriptionEvent<'prototype_labels'>[] = [];
    let dirty = false;
    const source = engine.subscribe('prototype_labels', { run }, () => (dirty = true));
    const pull = (): void => {
      const event = source.pull();
      if (event) told.push(event as SubscriptionEvent<'prototype_labels'>);
    };
    pull();
    const label = { prototype: 2, name: 'loops', colour: 4 };
    expect(await ask('prototypes.label', { run, label })).toEqual({ labels: [label] });
    expect(dirty).toBe(true);
    pull();
    source.close();
    expect(told).toEqual([{ labels: [] }, { labels: [label] }]);
    expect(await stateOf(run)).toBe('finished');
    await expect(
      ask('prototypes.label', { run, label: { ...label, prototype: 4 } }),
    ).rejects.toThrow(/no prototype 4/);
  });

  it('are set while the run trains', async () => {
    const { run: live } = await ask('run.start', { config: tiny(5, 100_000) });
    const label = { prototype: 0, name: 'bars', colour: null };
    await ask('prototypes.label', { run: live, label });
    await ask('run.stop', { run: live });
    expect(drain('prototype_labels', { run: live })).toEqual([{ labels: [label] }]);
  });
});

describe('exemplars', () => {
  /** Events until it is done. */
  async function gather(input: SubscriptionInput<'exemplars'>) {
    const events: SubscriptionEvent<'exemplars'>[] = [];
    const source = engine.subscribe('exemplars', input, () => undefined);
    try {
      await until(() => {
        const event = source.pull();
        if (event === undefined) return false;
        events.push(subscriptions.exemplars.event.parse(event));
        return events.at(-1)?.phase === 'done';
      });
      return events;
    } finally {
      source.close();
    }
  }

  it('are the nearest training images, best first, with progress', async () => {
    const events = await gather({ run, count: 6 });
    const last = events.at(-1);
    expect(events[0]).toMatchObject({ phase: 'waiting', done: 0 });
    expect(last).toMatchObject({ phase: 'done', done: 79, total: 79, eta_s: 0, step: 24 });
    expect(events.slice(0, -1).every(({ images }) => images.data.length === 0)).toBe(true);
    expect(last?.index.shape).toEqual([4, 6]);
    expect(last?.images.shape).toEqual([24, 16, 16, 1]);
    for (let k = 0; k < 4; k++) {
      const row = [...(last?.distances.data.slice(6 * k, 6 * k + 6) ?? [])];
      expect(row).toEqual([...row].sort((a, b) => a - b));
      expect(new Set(last?.index.data.slice(6 * k, 6 * k + 6)).size).toBe(6);
    }
    // No probe image, which has been through the same encoder, is nearer by much.
    const snapshot = snapshots(run).at(-1);
    const [bank, features] = [snapshot?.bank.data, snapshot?.features.data];
    for (let k = 0; k < 4; k++) {
      const nearest = last?.distances.data[6 * k] ?? NaN;
      for (let i = 0; i < 384; i++) {
        let sum = 0;
        for (let d = 0; d < 16; d++) {
          sum += ((bank?.[k * 16 + d] ?? NaN) - (features?.[i * 16 + d] ?? NaN)) ** 2;
        }
        expect(Math.sqrt(sum)).toBeGreaterThan(0.8 * nearest);
      }
    }
    const again = (await gather({ run, count: 1 })).at(-1);
    expect(again?.index.data).toEqual(
      Int32Array.of(0, 6, 12, 18).map((i) => last?.index.data[i] ?? 0),
    );
  });

  it('stop when nobody looks any more', async () => {
    let told = 0;
    const source = engine.subscribe('exemplars', { run, count: 1 }, () => (told += 1));
    await until(() => told > 2);
    source.close();
    const at = told;
    await new Promise((done) => setTimeout(done, 200));
    expect(told).toBe(at);
    expect(at).toBeLessThan(79);
  });
});
