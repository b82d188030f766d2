import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { planOf } from '@shared/config/journal';
import { configFor } from '@shared/config/presets';
import type { RunConfig } from '@shared/config/run-config';
import type { SubscriptionEvent } from '@shared/protocol/contract';
import { createEngine } from './engine';
import type { Engine } from './engine';

const RESOURCES = resolve(import.meta.dirname, '../../resources');

/** Small enough to train in a second or two, with the shipped digits. */
function tiny(steps: number): RunConfig {
  const config = configFor('tiny', { kind: 'digits' });
  return { ...config, training: { ...config.training, steps, checkpoint_every: 10 } };
}

let workspace: string;
let engine: Engine;
const watching: (() => void)[] = [];
const open = (recover?: { pid: number; exit: string }): Promise<Engine> =>
  createEngine({
    workspace,
    resources: RESOURCES,
    importerEntry: '',
    appVersion: '0.0.0',
    recover,
  });
const ask = ((name, input) => engine.request(name, input, new AbortController().signal)) as <
  N extends Parameters<Engine['request']>[0],
>(
  name: N,
  input: Parameters<typeof engine.request<N>>[1],
) => ReturnType<typeof engine.request<N>>;

/** Waits until `probe` gives something, looking again at every change. */
async function until<T>(
  probe: () => T | undefined | false | Promise<T | undefined | false>,
  seconds = 60,
): Promise<T> {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const value = await probe();
    if (value !== undefined && value !== false) return value;
    if (Date.now() > end) throw new Error('it did not happen in time');
    await new Promise((done) => setTimeout(done, 5));
  }
}

function watchCurves(run: string): { steps: number[]; validated: number[] } {
  const seen = { steps: [] as number[], validated: [] as number[] };
  const pull = (): void => {
    for (;;) {
      const event = source.pull() as SubscriptionEvent<'curves'> | undefined;
      if (event === undefined) return;
      seen.steps.push(...event.step.data);
      const { keys, step, values } = event;
      const at = keys.indexOf('val/loss_q3');
      seen.validated.push(
        ...step.data.filter(
          (_, row) => at >= 0 && !Number.isNaN(values.data[row * keys.length + at]),
        ),
      );
    }
  };
  let open = true;
  const source = engine.subscribe('curves', { run }, () => setImmediate(() => open && pull()));
  watching.push(() => {
    open = false;
    source.close();
  });
  pull();
  return seen;
}

const stateOf = async (run: string): Promise<string> =>
  (await ask('run.get', { run })).summary.state;

beforeEach(async () => {
  workspace = mkdtempSync(join(tmpdir(), 'protodiff-engine-'));
  engine = await open();
});
afterEach(async () => {
  for (const stop of watching.splice(0)) stop();
  await engine.close();
  rmSync(workspace, { recursive: true, force: true });
});

describe('the engine', () => {
  it('trains to the end: every step recorded once, validation, checkpoint, pictures, hash', async () => {
    const config = tiny(30);
    config.training.validate_every = 12;
    const { run } = await ask('run.start', { config });
    const seen = watchCurves(run);
    await until(() => seen.steps.length === 30);
    await until(async () => (await stateOf(run)) === 'finished' || undefined);
    await new Promise((done) => setTimeout(done, 50));
    expect(seen.steps).toEqual(Array.from({ length: 30 }, (_, i) => i + 1));
    // The validation loss stands in the rows of its steps, that of the last step included.
    expect(seen.validated).toEqual([12, 24, 30]);
    const { checkpoints, summary } = await ask('run.get', { run });
    expect(summary).toMatchObject({ state: 'finished', step: 30, steps: 30, problem: null });
    expect(checkpoints.at(-1)?.step).toBe(30);
    const { steps } = await ask('samples.list', { run });
    expect(steps.at(-1)).toBe(30);
    const { settings, images } = await ask('samples.get', { run, step: 30 });
    expect(settings).toMatchObject({ run, step: 30, count: 4, prototypes: [0, 1, 2, 3] });
    expect(images.shape).toEqual([4, 16, 16, 1]);
    expect(await engine.weightsSha256(run)).toMatch(/^[0-9a-f]{64}$/);
  });

  it('applies a knob at a step edge, journals it and uses it', async () => {
    const { run } = await ask('run.start', { config: tiny(100_000) });
    const seen = watchCurves(run);
    await until(() => seen.steps.length > 3);
    const { entries } = await ask('knobs.set', { run, change: { lr: 5e-4, tau: 2 } });
    const at = seen.steps.at(-1) ?? 0;
    expect(entries.map(({ knob, previous, value }) => ({ knob, previous, value }))).toEqual([
      { knob: 'lr', previous: tiny(1).knobs.lr, value: 5e-4 },
      { knob: 'tau', previous: 1, value: 2 },
    ]);
    for (const entry of entries) expect(entry.applied_at_step - at).toBeLessThanOrEqual(2);
    expect((await ask('run.get', { run })).knobs).toMatchObject({ lr: 5e-4, tau: 2 });
    expect((await ask('run.get', { run })).journal).toEqual(entries);
    expect((await ask('knobs.set', { run, change: { lr: 5e-4 } })).entries).toEqual([]);
    await ask('run.stop', { run });
    expect(await stateOf(run)).toBe('stopped');
  });

  it('pauses, samples while paused, resumes', async () => {
    const { run } = await ask('run.start', { config: tiny(100_000) });
    const seen = watchCurves(run);
    await until(() => seen.steps.length > 2);
    const { step } = await ask('run.pause', { run });
    await ask('run.sample', { run });
    await until(async () =>
      (await ask('samples.list', { run })).steps.includes(step) ? true : undefined,
    );
    expect(await stateOf(run)).toBe('paused');
    const before = seen.steps.length;
    await new Promise((done) => setTimeout(done, 100));
    expect(seen.steps.length).toBeLessThanOrEqual(before + 1);
    await ask('run.resume', { run });
    await until(() => (seen.steps.at(-1) ?? 0) > step);
    await ask('run.stop', { run });
  });

  it('makes single steps while paused, exactly as many as asked', async () => {
    const { run } = await ask('run.start', { config: tiny(100_000) });
    const seen = watchCurves(run);
    await until(() => seen.steps.length > 2);
    await expect(ask('run.step', { run })).rejects.toMatchObject({ code: 'wrong_state' });
    const { step } = await ask('run.pause', { run });
    expect(await ask('run.step', { run })).toEqual({ step: step + 1 });
    expect(await ask('run.step', { run })).toEqual({ step: step + 2 });
    await until(() => seen.steps.at(-1) === step + 2);
    await new Promise((done) => setTimeout(done, 100));
    expect(seen.steps).toEqual(Array.from({ length: step + 2 }, (_, i) => i + 1));
    expect(await stateOf(run)).toBe('paused');
    await ask('run.stop', { run });
  });

  it('trains in slow motion, and at full speed again at once', async () => {
    const { run } = await ask('run.start', { config: tiny(100_000) });
    const seen = watchCurves(run);
    await until(() => seen.steps.length > 2);
    const { step } = await ask('run.pace', { run, delay_ms: 400 });
    await new Promise((done) => setTimeout(done, 1000));
    const slow = (seen.steps.at(-1) ?? 0) - step;
    expect(slow).toBeGreaterThanOrEqual(1);
    expect(slow).toBeLessThanOrEqual(3);
    await ask('run.pace', { run, delay_ms: 10_000 });
    await until(() => (seen.steps.at(-1) ?? 0) > step + slow);
    const { step: crawling } = await ask('run.pace', { run, delay_ms: 0 });
    await until(() => (seen.steps.at(-1) ?? 0) > crawling + 5, 8);
    expect((await ask('run.get', { run })).journal).toEqual([]);
    await ask('run.stop', { run });
  });

  it('refuses a second run, acts on idle runs and unsuitable settings with a sentence', async () => {
    const { run } = await ask('run.start', { config: tiny(100_000) });
    await expect(ask('run.start', { config: tiny(10) })).rejects.toMatchObject({ code: 'busy' });
    await ask('run.stop', { run });
    await expect(ask('run.pause', { run })).rejects.toMatchObject({ code: 'wrong_state' });
    await expect(ask('run.get', { run: 'no-such-run' })).rejects.toMatchObject({
      code: 'not_found',
    });
    const spdm = tiny(10);
    const wrong = { ...spdm, model: { ...spdm.model, variant: 'spdm' as const } };
    await expect(ask('run.start', { config: wrong })).rejects.toThrow(/needs K = 10/);
  });

  it('gives the weights of an uninterrupted run after closing and continuing', async () => {
    const straight = await ask('run.start', { config: tiny(24) });
    await until(async () => (await stateOf(straight.run)) === 'finished' || undefined);
    const expected = await engine.weightsSha256(straight.run);

    const { run } = await ask('run.start', { config: tiny(24) });
    const seen = watchCurves(run);
    await until(() => seen.steps.length >= 7);
    await engine.close();
    engine = await open();
    expect(await stateOf(run)).toBe('stopped');
    const { from_step } = await ask('run.continue', { run });
    expect(from_step).toBeGreaterThanOrEqual(7);
    await until(async () => (await stateOf(run)) === 'finished' || undefined);
    expect(await engine.weightsSha256(run)).toBe(expected);
    const rows = watchCurves(run);
    await until(() => rows.steps.length >= 24);
    expect(rows.steps).toEqual(Array.from({ length: 24 }, (_, i) => i + 1));
  });

  it('replays a journal to the same bits, also across a closing and continuing', async () => {
    const original = await ask('run.start', { config: tiny(40) });
    const seen = watchCurves(original.run);
    await until(() => seen.steps.length >= 4);
    await ask('knobs.set', { run: original.run, change: { lr: 4e-3, alpha: 0.5 } });
    await until(() => seen.steps.length >= 12);
    await ask('knobs.set', { run: original.run, change: { lr: 1e-4 } });
    await until(async () => (await stateOf(original.run)) === 'finished' || undefined);
    const first = await ask('run.get', { run: original.run });
    const expected = await engine.weightsSha256(original.run);
    const plan = planOf(first.journal);
    expect(plan.length).toBe(3);

    const plain = await ask('run.start', { config: tiny(40) });
    await until(async () => (await stateOf(plain.run)) === 'finished' || undefined);
    expect(await engine.weightsSha256(plain.run)).not.toBe(expected);

    const { run } = await ask('run.start', { config: first.config, plan });
    const rows = watchCurves(run);
    // Left between the changes: the second still has to come, at its own step.
    await until(() => rows.steps.length >= 8);
    await engine.close();
    engine = await open();
    await ask('run.continue', { run });
    await until(async () => (await stateOf(run)) === 'finished' || undefined);
    const again = await ask('run.get', { run });
    expect(again.plan).toEqual(plan);
    expect(planOf(again.journal)).toEqual(plan);
    expect(await engine.weightsSha256(run)).toBe(expected);
  });

  it('makes the same picture from a stored checkpoint twice', async () => {
    const { run } = await ask('run.start', { config: tiny(10) });
    await until(async () => (await stateOf(run)) === 'finished' || undefined);
    const one = await engine.sample(run, { count: 3, seed: 5 });
    const two = await engine.sample(run, { count: 3, seed: 5 });
    expect(two.images).toEqual(one.images);
    await expect(engine.sample(run, { steps: 5000 })).rejects.toMatchObject({ code: 'bad_config' });
  });
});
