import { beforeAll, describe, expect, it } from 'vitest';
import * as tf from '@tensorflow/tfjs';
import { configFor } from '@shared/config/presets';
import type { RunConfig } from '@shared/config/run-config';
import { loadBackend } from '../backend';
import type { LoadedBackend } from '../backend';
import type { Executable } from '../backend/executable';
import { checkpointTensors, stateFromCheckpoint } from './checkpoint';
import { geometryOf } from './program';
import { executableFor, kindsOf, stripes } from './testing';
import type { Kind } from './testing';
import { Trainer } from './trainer';

const base = configFor('tiny', { kind: 'digits' });
type Part = 'data' | 'model' | 'diffusion' | 'training';
type Changes = { [P in Part]?: Partial<RunConfig[P]> };

/** The options of training, each apart from the defaults; one run an entry. */
const OPTIONS: Record<string, Changes> = {
  'x_0 under min-SNR, cosine': {
    model: { prediction: 'x_0' },
    diffusion: { beta_schedule: 'cosine' },
    training: { loss_weighting: 'min_snr', t_sampling: 'stratified' },
  },
  'eps under min-SNR, log SNR drawn': {
    model: { prediction: 'eps' },
    training: { loss_weighting: 'min_snr', t_sampling: 'logit_normal', t_domain: 'log_snr' },
  },
  'v as itself': { training: { loss_weighting: 'v', t_sampling: 'logit_normal' } },
};

function withChanges(changes: Changes): RunConfig {
  return {
    ...base,
    data: { ...base.data, ...changes.data },
    model: { ...base.model, ...changes.model },
    diffusion: { ...base.diffusion, ...changes.diffusion },
    training: { ...base.training, ...changes.training },
  };
}

let backend: LoadedBackend;
beforeAll(async () => {
  backend = await loadBackend();
});

describe.each(Object.entries(OPTIONS))('training, %s', (_, changes) => {
  const config = withChanges(changes);
  const geometry = geometryOf(config);
  const trainer = (executable: Executable, step = 0): Trainer =>
    new Trainer(config, geometry, stripes(config), executable, { ...config.knobs }, step);
  const losses = (on: Trainer, steps: number): number[] =>
    Array.from({ length: steps }, () => on.runStep().metrics.total);

  it('is the same captured and eager, resumed and not, and keeps no tensors', () => {
    const runs = kindsOf(backend).map((kind: Kind) => {
      const before = tf.memory().numTensors;
      const whole = executableFor(config, backend, kind);
      const straight = trainer(whole);
      const seen = losses(straight, 4);
      const during = tf.memory().numTensors;
      seen.push(...losses(straight, 4));
      expect(tf.memory().numTensors).toBe(during);
      const half = executableFor(config, backend, kind);
      const again = losses(trainer(half), 4);
      const tensors = checkpointTensors(half, geometry, 4);
      half.dispose();
      const rest = executableFor(config, backend, kind, stateFromCheckpoint(tensors, geometry));
      again.push(...losses(trainer(rest, 4), 4));
      expect(again).toEqual(seen);
      expect(rest.read('params').data).toEqual(whole.read('params').data);
      rest.dispose();
      whole.dispose();
      expect(tf.memory().numTensors).toBe(before);
      return seen;
    });
    const [left = [], right = left] = runs;
    left.forEach((loss, i) => expect((right[i] ?? NaN) / loss).toBeCloseTo(1, 5));
  });
});

describe('the weighting of the loss', () => {
  it('leaves the recorded eps error as it is, and moves the total', () => {
    const first = (loss_weighting: 'none' | 'min_snr'): { total: number; diffusion: number } => {
      const config = withChanges({ training: { loss_weighting, min_snr_gamma: 0.1 } });
      const executable = executableFor(config, backend, 'eager');
      const knobs = { ...config.knobs };
      const trainer = new Trainer(
        ...([config, geometryOf(config), stripes(config), executable, knobs, 0] as const),
      );
      const { metrics } = trainer.runStep();
      executable.dispose();
      return metrics;
    };
    const [plain, weighted] = [first('none'), first('min_snr')];
    expect(weighted.diffusion).toBe(plain.diffusion);
    expect(Math.abs(weighted.total - plain.total)).toBeGreaterThan(1e-3);
  });
});
