import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { configFor } from '@shared/config/presets';
import { prototypeRows } from '@shared/config/sampling-rows';
import { stream } from '@shared/maths/rng';
import { loadBackend } from './backend';
import type { LoadedBackend } from './backend';
import { createEngine } from './engine';
import type { Engine } from './engine';

/** Rounds of training, pictures, cancelled pictures and pauses; `ROUNDS=200` for a long look. */
const ROUNDS = Number(process.env.ROUNDS ?? 5);

const workspace = mkdtempSync(join(tmpdir(), 'protodiff-leaks-'));
let engine: Engine;
let backend: LoadedBackend;

beforeAll(async () => {
  backend = await loadBackend();
  engine = await createEngine({
    workspace,
    resources: resolve('resources'),
    importerEntry: 'none',
    appVersion: 'test',
  });
});
afterAll(async () => {
  await engine.close();
  rmSync(workspace, { recursive: true, force: true });
});

const ask = ((name, input) => engine.request(name, input, new AbortController().signal)) as <
  N extends Parameters<Engine['request']>[0],
>(
  name: N,
  input: Parameters<typeof engine.request<N>>[1],
) => ReturnType<typeof engine.request<N>>;

const turn = (): Promise<void> => new Promise((done) => setImmediate(done));

/** Asks for trajectories and gives them up after so many turns, or when they are done. */
async function trajectories(run: string, turns: number): Promise<boolean> {
  const rows = prototypeRows(4, 'ddim');
  const input = { run, rows, seed: 7, columns: 4, steps: 4, eta: 0 };
  const source = engine.subscribe('trajectory', input, () => undefined);
  try {
    for (let i = 0; i < turns; i++) {
      const event = source.pull() as { phase: string } | undefined;
      if (event?.phase === 'done') return true;
      await turn();
    }
    return false;
  } finally {
    source.close();
  }
}

it('no tensor and no session is left by steps, pictures, pauses or pictures given up at any moment', async () => {
  const { native } = backend;
  const held = (): object => ({
    tensors: tf.memory().numTensors,
    native: native?.getNumOfTFTensors(),
    sessions: native?.getNumOfSavedModels(),
  });
  const none = held();
  const config = configFor('tiny', { kind: 'digits' });
  const { run } = await ask('run.start', {
    config: {
      ...config,
      training: { ...config.training, steps: 1_000_000, checkpoint_every: 25, batch_size: 2 },
      knobs: { ...config.knobs, sample_every: 10 },
    },
  });
  const rng = stream(1, 'noise', 0);
  const round = async (): Promise<{ step: number; whole: boolean; counts: object }> => {
    for (let i = rng.int(5); i > 0; i--) await turn();
    await trajectories(run, rng.int(5));
    await ask('run.sample', { run });
    const { step } = await ask('run.pause', { run });
    await trajectories(run, rng.int(8));
    const whole = await trajectories(run, 100_000);
    const counts = held();
    await ask('run.resume', { run });
    return { step, whole, counts };
  };
  const first = await round();
  const rounds = [first];
  while (rounds.length < ROUNDS) rounds.push(await round());
  expect(rounds.map(({ whole }) => whole)).toEqual(rounds.map(() => true));
  expect(rounds.map(({ counts }) => counts)).toEqual(rounds.map(() => first.counts));
  expect((rounds.at(-1)?.step ?? 0) - first.step).toBeGreaterThanOrEqual(ROUNDS);
  if (native) expect(first.counts).toMatchObject({ sessions: 2 });
  await ask('run.stop', { run });
  await engine.close();
  expect(held()).toEqual(none);
});
