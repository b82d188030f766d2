import { beforeAll, describe, expect, it } from 'vitest';
import * as tf from '@tensorflow/tfjs';
import { configFor } from '@shared/config/presets';
import { guidanceProblem } from '@shared/config/run-config';
import type { RunConfig } from '@shared/config/run-config';
import { alike } from '@shared/config/sampling-rows';
import { stream } from '@shared/maths/rng';
import { loadBackend } from '../backend';
import type { LoadedBackend } from '../backend';
import type { Executable } from '../backend/executable';
import type { Schedule } from '../diffusion/schedule';
import { checkpointTensors, stateFromCheckpoint } from './checkpoint';
import { denoiser } from './denoiser';
import { geometryOf } from './program';
import { shares } from './shares';
import { executableFor, kindsOf, stripes } from './testing';
import type { StepMetrics } from './step';
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
  'classes, guided, in two batches a step': {
    data: { flip: true, shift: 2, rotate: 15 },
    model: { variant: 'class', k: 2 },
    training: { accumulate: 2, condition_dropout: 0.3 },
  },
  'no conditioning': { model: { variant: 'ddpm' } },
  's-PDM, its prototypes frozen after 2 steps, in two batches a step': {
    model: { variant: 'protodiffusion', k: 2 },
    training: { prototype_steps: 2, accumulate: 2, warmup_steps: 1 },
  },
  'attention to all prototypes, guided': {
    model: { attention: 'all', prediction: 'eps' },
    training: { condition_dropout: 0.5 },
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

  /** eps, guided where the model can be, of the snapshot. */
  const predict = (executable: Executable, schedule: Schedule): Float32Array => {
    const { count } = config.sampling;
    const pixels = count * config.data.image_size ** 2;
    const x = stream(1, 'sample-noise', 0).fillNormal(new Float32Array(pixels));
    const one = shares(
      config.model.k,
      Array.from({ length: count }, () => alike(1)),
    );
    const network = { config, geometry, schedule, executable };
    const w = guidanceProblem(config) === null ? 2 : 1;
    const eps = denoiser(network, count, () => one, w)(x, 700, 0);
    if (w !== 1) {
      const plain = denoiser(network, count, () => one)(x, 700, 0);
      expect(eps).not.toEqual(plain);
    }
    return eps;
  };

  it('is the same captured and eager, resumed and not, and keeps no tensors', () => {
    const runs = kindsOf(backend).map((kind: Kind) => {
      const before = tf.memory().numTensors;
      const whole = executableFor(config, backend, kind);
      const straight = trainer(whole);
      const seen = losses(straight, 2);
      const during = tf.memory().numTensors;
      seen.push(...losses(straight, 2));
      expect(tf.memory().numTensors).toBe(during);
      const half = executableFor(config, backend, kind);
      const again = losses(trainer(half), 2);
      const tensors = checkpointTensors(half, geometry, 2);
      half.dispose();
      const rest = executableFor(config, backend, kind, stateFromCheckpoint(tensors, geometry));
      again.push(...losses(trainer(rest, 2), 2));
      expect(again).toEqual(seen);
      expect(rest.read('params').data).toEqual(whole.read('params').data);
      rest.dispose();
      whole.call('snapshot_raw', {});
      const picture = predict(whole, straight.schedule);
      whole.dispose();
      expect(tf.memory().numTensors).toBe(before);
      return { seen, picture };
    });
    const [left, right] = runs;
    left?.seen.forEach((loss, i) => {
      expect(((right ?? left).seen[i] ?? NaN) / loss).toBeCloseTo(1, 5);
    });
    left?.picture.forEach((value, i) => {
      expect(value).toBeCloseTo((right ?? left).picture[i] ?? NaN, 3);
    });
  });
});

describe('the weighting of the loss', () => {
  it('leaves the recorded eps error as it is, and moves the total', () => {
    const first = (loss_weighting: 'none' | 'min_snr'): StepMetrics => {
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

describe('a batch of one image many times', () => {
  it('trains: what shares it out among the prototypes passes no gradient', () => {
    const config = withChanges({
      data: { validation: 0 },
      training: { batch_size: 4, accumulate: 2 },
    });
    const dataset = stripes(config);
    const one = dataset.images.subarray(0, dataset.images.length / dataset.count);
    const images = new Uint8Array(dataset.images.length).map((_, i) => one[i % one.length] ?? 0);
    for (const kind of kindsOf(backend)) {
      const executable = executableFor(config, backend, kind);
      const alone = { ...dataset, images };
      const knobs = { ...config.knobs };
      const trainer = new Trainer(
        ...([config, geometryOf(config), alone, executable, knobs, 0] as const),
      );
      // A step whose gradient is not finite throws.
      for (let step = 0; step < 3; step++) trainer.runStep();
      expect(executable.read('params').data.every(Number.isFinite)).toBe(true);
      executable.dispose();
    }
  });
});
