import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { printJournal } from '@shared/config/journal';
import { PRESETS } from '@shared/config/presets';
import type { RunConfig } from '@shared/config/run-config';
import type { Activity, RunSummary } from '@shared/protocol/contract';
import { ndarray } from '@shared/maths/ndarray';
import { HELLO, fakeService } from '@shared/protocol/testing';
import { describe, expect, it, vi } from 'vitest';
import type { Engine } from '../engine/engine';
import { run } from './run';
import { fakeContext } from './testing';

const RUN = '20250101-000000-brisk-heron';

/** An engine whose run takes a step at each `advance`: the loss is 1 / step, a step takes 0.5 s. */
function fakeEngine(steps: number) {
  const listeners = new Set<() => void>();
  const state = { step: 0, state: 'running' as RunSummary['state'], stops: 0, closed: 0 };
  const started: unknown[] = [];
  const summary = (): RunSummary => ({
    ...{
      run: RUN,
      name: 'brisk-heron',
      step: state.step,
      steps,
      state: state.state,
      preset: 'tiny',
    },
    ...{
      data: 'digits',
      created: 1,
      colour: 0,
      last_checkpoint: state.step,
      parent: null,
      tags: [],
      starred: false,
      kept: [],
      problem: null,
    },
  });
  const changed = (): void => listeners.forEach((listener) => listener());
  const feed =
    <T>(read: () => T) =>
    (_input: never, listener: () => void) => {
      listeners.add(listener);
      return { pull: read, close: () => void listeners.delete(listener) };
    };
  const activity = (): Activity => ({
    ...{ run: RUN, name: 'x', phase: 'training', step: state.step, steps, epoch: 0, step_s: 0.5 },
    ...{ images_per_s: 16, eta_s: 65, delay_ms: 0, loss: 0.25, knobs: {}, next_sample_step: 0 },
    last_checkpoint: null,
  });
  const service = fakeService({
    answers: {
      hello: () => HELLO,
      'run.start': (input) => {
        started.push(input);
        return { run: RUN };
      },
      'run.continue': () => ({ run: RUN, from_step: 0 }),
      'run.branchpoint': (input: { step: number }) => ({
        parent: { run: RUN, step: input.step - 1, sha256: 'abc' },
        config: structuredClone(PRESETS.tiny),
      }),
      'run.branch': (input) => {
        started.push(input);
        return { run: RUN };
      },
      'runs.list': () => ({ runs: [summary()] }),
      'run.get': () => ({ config: PRESETS.tiny }),
      'run.stop': () => {
        state.stops += 1;
        state.state = 'stopped';
        changed();
        return { step: state.step };
      },
    },
    feeds: {
      status: feed(() => ({
        active: activity(),
        memory: { rss_bytes: 1, total_bytes: 1 },
        notices: [],
      })),
      runs: feed(() => ({ runs: [summary()] })),
      curves: (_input, listener) => {
        let sent = 0;
        listeners.add(listener);
        return {
          pull() {
            const n = state.step - sent;
            if (n === 0) return undefined;
            const step = Float64Array.from({ length: n }, (_, i) => sent + i + 1);
            sent = state.step;
            return {
              ...{ run: RUN, restart: false, keys: ['train/loss', 'train/loss_diff'] },
              ...{ step: ndarray(step, [n]), wall: ndarray(step, [n]) },
              active: ndarray(
                step.map((at) => at / 2),
                [n],
              ),
              values: ndarray(
                Float64Array.from({ length: 2 * n }, (_, i) =>
                  i % 2 === 0 ? NaN : 1 / (step[(i - 1) / 2] ?? NaN),
                ),
                [n, 2],
              ),
            };
          },
          close: () => void listeners.delete(listener),
        };
      },
    },
  });
  const engine: Engine = Object.assign(service, {
    weightsSha256: async () => 'ab'.repeat(32),
    sample: () => Promise.reject(new Error('not in this test')),
    importRun: () => Promise.reject(new Error('not in this test')),
    giveWay: () => undefined,
    close: async () => void (state.closed += 1),
  });
  const advance = (count: number): void => {
    state.step += count;
    if (state.step >= steps) state.state = 'finished';
    changed();
  };
  return { engine, state, started, listeners, advance };
}

const soon = (): Promise<void> => new Promise((done) => setTimeout(done, 20));
/** Until the run is being followed: curves, status, runs. */
const followed = async (listeners: Set<unknown>): Promise<void> => {
  await vi.waitFor(() => expect(listeners.size).toBe(3), 30_000);
  await soon();
};
const mean = (values: number[]): number => values.reduce((sum, x) => sum + x, 0) / values.length;
const inverse = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, i) => 1 / (from + i));

describe('train', () => {
  it('ends with one line of JSON on stdout; progress is on stderr', async () => {
    const { engine, state, listeners, advance } = fakeEngine(100);
    const { context, stdout, stderr, interrupts } = fakeContext({
      createEngine: async () => engine,
    });
    const done = run(['train', '--preset', 'tiny', '--json', '--workspace', '/w'], context);
    await followed(listeners);
    advance(60);
    await soon();
    advance(40);
    expect(await done).toBe(0);
    const report = JSON.parse(stdout.text) as Record<string, unknown>;
    expect(stdout.text.trimEnd().split('\n')).toHaveLength(1);
    expect(report).toMatchObject({ run: RUN, steps: 100, state: 'finished', backend: 'cpu' });
    expect(report.loss_first10).toBeCloseTo(mean(inverse(1, 10)), 12);
    expect(report.loss_last50).toBeCloseTo(mean(inverse(51, 100)), 12);
    expect(report.images_per_s).toBeCloseTo(PRESETS.tiny.training.batch_size / 0.5, 9);
    expect(report.weights_sha256).toBe('ab'.repeat(32));
    expect(stderr.text).toContain('step 0/100  loss 0.2500  16 images/s  1 min 05 s left');
    expect(stderr.text).toContain('finished at step 100 of 100');
    expect([state.closed, listeners.size, interrupts.size]).toEqual([1, 0, 0]);
  });

  it('replays a journal: its configuration, its changes, other settings laid over', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'protodiff-journal-'));
    const file = join(folder, 'r.journal.json');
    const changes = [{ at_step: 3, change: { lr: 1e-3 } }];
    writeFileSync(file, printJournal('r', { ...PRESETS.tiny, seed: 77 }, changes));
    try {
      const { engine, started, listeners, advance } = fakeEngine(10);
      const { context, stderr } = fakeContext({ createEngine: async () => engine });
      const done = run(['train', '--journal', file, '--steps', '10'], context);
      await followed(listeners);
      advance(10);
      expect(await done).toBe(0);
      const training = { ...PRESETS.tiny.training, steps: 10 };
      const config = { ...PRESETS.tiny, seed: 77, training };
      expect(started).toEqual([{ config, plan: changes }]);
      expect(await run(['train', '--journal', file, '--preset', 'tiny'], context)).toBe(2);
      expect(stderr.text).toContain('leave --preset out');
      expect(await run(['train', '--journal', join(folder, 'none')], context)).toBe(1);
      expect(stderr.text).toContain('There is no file');
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('stops when interrupted, says how to go on, and exits 130', async () => {
    const { engine, state, listeners, advance } = fakeEngine(100);
    const { context, stdout, interrupt } = fakeContext({ createEngine: async () => engine });
    const done = run(['train', '--preset', 'tiny', '--workspace', '/w'], context);
    await followed(listeners);
    advance(30);
    await soon();
    interrupt();
    expect(await done).toBe(130);
    expect([state.stops, state.closed]).toEqual([1, 1]);
    expect(stdout.text).toContain('stopped at step 30 of 100');
    expect(stdout.text).toContain(`protodiff resume ${RUN} --workspace /w`);
  });

  it('starts nothing when it was interrupted while the engine loaded', async () => {
    const { engine, state } = fakeEngine(100);
    let asked = false;
    let loaded = (_engine: Engine): void => undefined;
    const loading = new Promise<Engine>((resolve) => (loaded = resolve));
    const { context, interrupt, stdout } = fakeContext({
      createEngine: () => {
        asked = true;
        return loading;
      },
    });
    const done = run(['train', '--preset', 'tiny'], context);
    await vi.waitFor(() => expect(asked).toBe(true), 30_000);
    interrupt();
    loaded(engine);
    expect(await done).toBe(130);
    expect([state.stops, state.closed, stdout.text]).toEqual([0, 1, '']);
  });

  it('continues a run by its name, and fails for one that is not there', async () => {
    const { engine, listeners, advance } = fakeEngine(10);
    const { context, stderr } = fakeContext({ createEngine: async () => engine });
    const done = run(['resume', 'brisk-heron', '--json'], context);
    await followed(listeners);
    advance(10);
    expect(await done).toBe(0);
    expect(await run(['resume', 'nobody'], context)).toBe(1);
    expect(stderr.text).toContain('There is no run "nobody" in this workspace.');
  });

  it('branches from the nearest checkpoint with other settings, and says which it is', async () => {
    const { engine, started, listeners, advance } = fakeEngine(90);
    const { context, stdout, stderr } = fakeContext({ createEngine: async () => engine });
    const settings = ['--set', 'lr=1e-3', '--set', 'model.k=6', '--steps', '90', '--json'];
    const done = run(['branch', 'brisk-heron', '--step', '50', ...settings], context);
    await followed(listeners);
    advance(90);
    expect(await done).toBe(0);
    expect(stderr.text).toContain('its checkpoint of step 49, the nearest at or before 50.');
    expect(JSON.parse(stdout.text)).toMatchObject({ run: RUN, steps: 90 });
    const config = structuredClone(PRESETS.tiny) as RunConfig;
    config.training.steps = 90;
    config.knobs.lr = 1e-3;
    config.model.k = 6;
    expect(started).toEqual([{ run: RUN, step: 49, config }]);
  });

  it('tells why a run failed, and exits 1', async () => {
    const { engine, state, listeners, advance } = fakeEngine(10);
    const { context, stderr } = fakeContext({ createEngine: async () => engine });
    const done = run(['train', '--preset', 'tiny'], context);
    await followed(listeners);
    state.state = 'failed';
    advance(3);
    expect(await done).toBe(1);
    expect(stderr.text).toContain(`${RUN} failed at step 3.`);
  });
});
