import { beforeAll, describe, expect, it } from 'vitest';
import { configFor } from '@shared/config/presets';
import type { RunConfig } from '@shared/config/run-config';
import { ndarray } from '@shared/maths/ndarray';
import type { ValidationMetrics } from '@shared/protocol/contract';
import { loadBackend } from '../backend';
import type { LoadedBackend } from '../backend';
import { batchIndices } from '../data/batch';
import { dataset } from '../data/dataset';
import { splitOf } from '../data/split';
import { openFresh } from '../run/open';
import type { OpenRun } from '../run/open';
import type { RunWriter } from '../../store/port';
import { casesOf, validate } from './validation';

let backend: LoadedBackend;
beforeAll(async () => {
  backend = await loadBackend();
});

const size = 16;
const images = Uint8Array.from({ length: 200 * size * size }, (_, i) => (i * 2654435761) >>> 24);
const data = dataset({
  name: 'noise',
  images,
  labels: null,
  classes: [],
  count: 200,
  height: size,
  width: size,
  channels: 1,
});

function config(validation: number, validate_every: number, batch_size = 8): RunConfig {
  const tiny = configFor('tiny', { kind: 'digits' });
  return {
    ...tiny,
    data: { ...tiny.data, validation },
    training: { ...tiny.training, validate_every, validate_images: 1024, batch_size },
  };
}

/** Nothing here is recorded. */
const open = (of: RunConfig): OpenRun => openFresh(of, data, backend, {} as RunWriter);

function measure({ config, geometry, trainer }: OpenRun): {
  metrics: ValidationMetrics;
  calls: number;
} {
  const work = validate(config, geometry, data, trainer.schedule, trainer.executable);
  for (let calls = 0; ; calls++) {
    const turn = work.next();
    if (turn.done) return { metrics: turn.value, calls };
  }
}

describe('the cases', () => {
  it('are the held-out images, one timestep from each even part of the chain', () => {
    const of = config(40, 10);
    const cases = casesOf(data, of);
    expect(cases.map(({ image }) => image)).toEqual([...splitOf(200, 40).held]);
    cases.forEach(({ t }, j) => expect(Math.floor(t / (1000 / 40))).toBe(j));
  });

  it('do not follow the seed, and are images of the training where none is held out', () => {
    expect(casesOf(data, { ...config(40, 10), seed: 7 })).toEqual(casesOf(data, config(40, 10)));
    expect(casesOf(data, config(0, 10))).toHaveLength(200);
  });

  it('are the first of them, as many as a validation may measure', () => {
    const of = config(40, 10);
    of.training.validate_images = 16;
    const cases = casesOf(data, of);
    expect(cases.map(({ image }) => image)).toEqual([...splitOf(200, 40).held.subarray(0, 16)]);
    cases.forEach(({ t }, j) => expect(Math.floor(t / (1000 / 16))).toBe(j));
  });
});

describe('a validation', () => {
  it('gives the same bits twice, its quarters averaging to the whole, in single calls', () => {
    const of = config(40, 10);
    const run = open(of);
    const first = measure(run);
    expect(measure(run)).toEqual(first);
    expect(first.calls).toBe(5);
    const { 'val/loss': loss, ...quarters } = first.metrics;
    const mean = Object.values(quarters).reduce((a, b) => a + b, 0) / 4;
    expect(mean).toBeCloseTo(loss, 6);
    run.trainer.executable.dispose();
  });

  it('counts a last batch that is not whole once', () => {
    const of = config(36, 10);
    const run = open(of);
    const { metrics, calls } = measure(run);
    expect(calls).toBe(5);
    const quarters = [0, 1, 2, 3].map((q) => metrics[`val/loss_q${q as 0 | 1 | 2 | 3}`]);
    expect(quarters.reduce((a, b) => a + b, 0) / 4).toBeCloseTo(metrics['val/loss'], 6);
    run.trainer.executable.dispose();
  });

  it('judges the averaged weights', () => {
    const of = config(40, 10);
    const run = open(of);
    const before = measure(run).metrics;
    const { geometry } = run;
    const { executable } = run.trainer;
    const shape = [geometry.layout.total];
    executable.write('params', ndarray(new Float32Array(geometry.layout.total), shape));
    expect(measure(run).metrics).toEqual(before);
    executable.write('ema', ndarray(new Float32Array(geometry.layout.total), shape));
    // A network of zeros predicts v = 0, so eps_hat = x_t times the noise's share: not the same.
    expect(measure(run).metrics['val/loss']).not.toBe(before['val/loss']);
    executable.dispose();
  });

  it('changes no bit of the training', () => {
    const bits = (validate_every: number): { losses: number[]; params: Float32Array } => {
      const of = config(40, validate_every);
      const run = open(of);
      const losses: number[] = [];
      for (let step = 0; step < 5; step++) {
        losses.push(run.trainer.runStep().metrics.total);
        if (validate_every > 0 && run.trainer.step % validate_every === 0) measure(run);
      }
      const params = run.trainer.executable.read('params').data.slice();
      run.trainer.executable.dispose();
      return { losses, params };
    };
    expect(bits(2)).toEqual(bits(0));
  });

  it('is on images that no step was trained on', () => {
    const held = new Set(splitOf(200, 40).held);
    const { trained, count } = splitOf(200, 40);
    const seen = new Set<number>();
    for (let step = 0; step < 60; step++) {
      for (const i of batchIndices(1, step, 8, count)) seen.add(trained?.[i] ?? -1);
    }
    expect(seen.size).toBe(160);
    expect([...seen].filter((image) => held.has(image))).toEqual([]);
  });
});
