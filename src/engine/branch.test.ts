import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configFor } from '@shared/config/presets';
import type { RunConfig } from '@shared/config/run-config';
import { openStore } from '../store';
import { createEngine } from './engine';
import { initialParameters } from './training/initial';
import { geometryOf } from './training/program';
import type { Engine } from './engine';

const RESOURCES = resolve(import.meta.dirname, '../../resources');

/** Steps are few and checkpoints many: a second a run. */
function tiny(): RunConfig {
  const config = configFor('tiny', { kind: 'digits' });
  return {
    ...config,
    training: {
      ...config.training,
      ...{ steps: 24, checkpoint_every: 6, keep_checkpoints: 9, validate_every: 0 },
    },
  };
}

let workspace: string;
let engine: Engine;
const ask: (...args: unknown[]) => Promise<never> = (name, input) =>
  engine.request(name as 'run.get', input as never, new AbortController().signal) as never;
type Got = Awaited<ReturnType<typeof engine.request<'run.get'>>>;
const get = (run: string): Promise<Got> => ask('run.get', { run });

async function trained(run: string): Promise<string> {
  for (;;) {
    const { state, problem } = (await get(run)).summary;
    if (state === 'finished') return engine.weightsSha256(run);
    if (state === 'failed') throw new Error(problem ?? 'failed');
    await new Promise((done) => setTimeout(done, 5));
  }
}
const branch = async (
  of: string,
  step: number,
  change: (config: RunConfig) => RunConfig,
): Promise<string> => {
  const point: { config: RunConfig } = await ask('run.branchpoint', { run: of, step });
  const { run }: { run: string } = await ask('run.branch', {
    ...{ run: of, step, config: change(point.config) },
  });
  return run;
};
const stepsOf = (run: string): number[] => {
  const store = openStore(workspace, { readonly: true });
  try {
    return [...store.metrics(run, 0, 1000).step];
  } finally {
    store.close();
  }
};
const tensorsOf = (run: string, step: number): Record<string, { data: ArrayLike<number> }> => {
  const store = openStore(workspace, { readonly: true });
  try {
    return store.loadCheckpoint(run, step).tensors;
  } finally {
    store.close();
  }
};

let parent: string;
let straight: string;
beforeAll(async () => {
  workspace = mkdtempSync(join(tmpdir(), 'protodiff-branch-'));
  engine = await createEngine({
    ...{ workspace, resources: RESOURCES, importerEntry: '', appVersion: '0.0.0' },
  });
  const plan = [
    { at_step: 8, change: { lr: 5e-4 } },
    { at_step: 20, change: { alpha: 0.5 } },
  ];
  const { run }: { run: string } = await ask('run.start', { config: tiny(), plan });
  parent = run;
  straight = await trained(run);
});
afterAll(async () => {
  await engine.close();
  rmSync(workspace, { recursive: true, force: true });
});

describe('a branch', () => {
  it('that changes nothing has the bits of its parent, planned changes and names of prototypes included', async () => {
    const label = { prototype: 1, name: 'ones', colour: 3 };
    await ask('prototypes.label', { run: parent, label });
    const run = await branch(parent, 12, (config) => config);
    expect(await trained(run)).toBe(straight);
    const store = openStore(workspace, { readonly: true });
    expect(store.prototypeLabels(run)).toEqual([label]);
    store.close();
    const { summary, config, checkpoints, journal, events } = await get(run);
    const { summary: before, checkpoints: theirs } = await get(parent);
    const sha256 = theirs.find(({ step }) => step === 12)?.sha256;
    expect(summary.parent).toEqual({ run: parent, step: 12, sha256 });
    expect(config.knobs.lr).toBe(5e-4);
    expect(journal.map(({ knob, applied_at_step }) => [knob, applied_at_step])).toEqual([
      ['alpha', 20],
    ]);
    expect(events[0]?.message).toMatch(`Branched from ${before.name} at step 12.`);
    expect(checkpoints.map(({ step }) => step)).toEqual([12, 18, 24]);
    expect(stepsOf(run)).toEqual(Array.from({ length: 12 }, (_, i) => i + 13));
    const { step: first, file } = checkpoints[0] ?? {};
    expect(first).toBe(12);
    const bytes = readFileSync(join(workspace, 'runs', run, file ?? ''));
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(checkpoints[0]?.sha256);
    expect(tensorsOf(run, 12)).toEqual(tensorsOf(parent, 12));
  });

  it('with another rate and prediction differs, its rate not overruled by the plan', async () => {
    const run = await branch(parent, 6, (config) => ({
      ...config,
      model: { ...config.model, prediction: 'eps' },
      knobs: { ...config.knobs, lr: 1e-3 },
    }));
    expect(await trained(run)).not.toBe(straight);
    const { journal, config } = await get(run);
    expect(config.model.prediction).toBe('eps');
    expect(journal.map(({ knob }) => knob)).toEqual(['alpha']);
  });

  it('may have more prototypes: those it had, and new ones with no moments', async () => {
    const grow = (config: RunConfig): RunConfig => ({
      ...config,
      model: { ...config.model, k: 6 },
    });
    const run = await branch(parent, 18, grow);
    await trained(run);
    const { specs, layout } = geometryOf(grow(tiny()));
    // The bank comes first in the layout.
    const fresh = initialParameters(specs, layout, tiny().seed).slice(0, layout.sizes[0]);
    const [theirs, ours] = [tensorsOf(parent, 18), tensorsOf(run, 18)];
    const name = 'prototype.prototypes';
    const had = theirs[name]?.data.length ?? 0;
    for (const prefix of ['', 'ema.', 'adam_m.', 'adam_v.']) {
      const bank = Array.from(ours[prefix + name]?.data ?? []);
      expect(bank.length).toBe((had / 4) * 6);
      expect(bank.slice(0, had)).toEqual(Array.from(theirs[prefix + name]?.data ?? []));
      const drawn = Array.from(fresh.slice(had));
      const moments = prefix.startsWith('adam');
      expect(bank.slice(had)).toEqual(moments ? drawn.map(() => 0) : drawn);
    }
  });

  it('starts from the nearest checkpoint before, and says which', async () => {
    const point: { parent: { step: number } } = await ask('run.branchpoint', {
      ...{ run: parent, step: 11 },
    });
    expect(point.parent.step).toBe(6);
    await expect(ask('run.branchpoint', { run: parent, step: 5 })).rejects.toThrow(
      /no checkpoint at or before step 5; its first is of step 6/,
    );
    await expect(branch(parent, 11, (config) => config)).rejects.toThrow(
      /no checkpoint of step 11/,
    );
  });

  it('refuses settings that change shapes by name, and leaves nothing behind', async () => {
    const before = readdirSync(join(workspace, 'runs')).length;
    const fewer = (config: RunConfig): RunConfig => ({
      ...config,
      model: { ...config.model, k: 3, layers_per_block: 2 },
    });
    await expect(branch(parent, 6, fewer)).rejects.toThrow(
      /model\.layers_per_block \(1 to 2\), model\.k \(4 to 3\)/,
    );
    const ended = (config: RunConfig): RunConfig => ({
      ...config,
      training: { ...config.training, steps: 6 },
    });
    await expect(branch(parent, 6, ended)).rejects.toThrow(/nothing to train in 6 steps/);
    expect(readdirSync(join(workspace, 'runs')).length).toBe(before);
    expect(existsSync(join(workspace, 'runs', parent, 'run.json'))).toBe(true);
  });
});
