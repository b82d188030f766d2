import { beforeAll, describe, expect, it } from 'vitest';
import * as tf from '@tensorflow/tfjs';
import { configFor } from '@shared/config/presets';
import type { RunConfig } from '@shared/config/run-config';
import { loadBackend } from '../backend';
import type { LoadedBackend } from '../backend';
import type { Executable } from '../backend/executable';
import { checkpointTensors, stateFromCheckpoint, weightsSha256 } from './checkpoint';
import { preview } from './preview';
import type { Picture } from './preview';
import { callProbe } from './probe';
import { geometryOf } from './program';
import type { ProgramState } from './program';
import { executableFor, kindsOf, stateFor, stripes } from './testing';
import type { Kind } from './testing';
import { Trainer } from './trainer';

const config: RunConfig = configFor('tiny', { kind: 'digits' });
const geometry = geometryOf(config);
let backend: LoadedBackend;

beforeAll(async () => {
  backend = await loadBackend();
});

const freshState = (): ProgramState => stateFor(config);
const executableOf = (kind: Kind, state: ProgramState, images = 0): Executable =>
  executableFor(config, backend, kind, state, images);

function trainerOn(executable: Executable, step = 0): Trainer {
  return new Trainer(config, geometry, stripes(config), executable, { ...config.knobs }, step);
}

function losses(trainer: Trainer, steps: number): number[] {
  return Array.from({ length: steps }, () => trainer.runStep().metrics.total);
}

function hash(executable: Executable): string {
  return weightsSha256(executable.read('params').data);
}

const kinds = (): Kind[] => kindsOf(backend);

describe('training', () => {
  it('learns: the loss falls', () => {
    for (const kind of kinds()) {
      const executable = executableOf(kind, freshState());
      const seen = losses(trainerOn(executable), 60);
      const mean = (list: number[]): number => list.reduce((a, b) => a + b, 0) / list.length;
      expect(mean(seen.slice(-10))).toBeLessThan(0.6 * mean(seen.slice(0, 5)));
      executable.dispose();
    }
  });

  it('captured equals eager over 20 steps, to 1e-6 of the loss', () => {
    if (!kinds().includes('captured')) return;
    const a = executableOf('eager', freshState());
    const b = executableOf('captured', freshState());
    const [left, right] = [losses(trainerOn(a), 20), losses(trainerOn(b), 20)];
    left.forEach((loss, i) => expect(Math.abs(loss - (right[i] ?? NaN)) / loss).toBeLessThan(1e-6));
    a.dispose();
    b.dispose();
  });

  it('stops and goes on from a checkpoint with the same bits as without stopping', () => {
    for (const kind of kinds()) {
      const straight = executableOf(kind, freshState());
      const whole = losses(trainerOn(straight), 9);
      const first = executableOf(kind, freshState());
      const before = losses(trainerOn(first), 4);
      const tensors = checkpointTensors(first, geometry, 4);
      first.dispose();
      const second = executableOf(kind, stateFromCheckpoint(tensors, geometry));
      const after = losses(trainerOn(second, 4), 5);
      expect([...before, ...after]).toEqual(whole);
      for (const name of ['params', 'm', 'v', 'ema', 'running']) {
        expect(second.read(name).data).toEqual(straight.read(name).data);
      }
      expect(hash(second)).toBe(hash(straight));
      straight.dispose();
      second.dispose();
    }
  });

  it('keeps the number of tensors constant', () => {
    for (const kind of kinds()) {
      const before = tf.memory().numTensors;
      const executable = executableOf(kind, freshState());
      const trainer = trainerOn(executable);
      losses(trainer, 2);
      const during = tf.memory().numTensors;
      losses(trainer, 5);
      expect(tf.memory().numTensors).toBe(during);
      executable.dispose();
      expect(tf.memory().numTensors).toBe(before);
    }
  });

  it('takes a knob at the next step', () => {
    const executable = executableOf('eager', freshState());
    const trainer = trainerOn(executable);
    losses(trainer, config.training.warmup_steps);
    const before = trainer.runStep().lr;
    trainer.knobs = { ...trainer.knobs, lr: trainer.knobs.lr / 10 };
    expect(trainer.runStep().lr / before).toBeCloseTo(0.1, 2);
    executable.dispose();
  });

  it('names a loss that is not a number and keeps the step', () => {
    const executable = executableOf('eager', freshState());
    const trainer = trainerOn(executable);
    losses(trainer, 2);
    trainer.knobs = { ...trainer.knobs, lr: 1e30 };
    expect(() => losses(trainer, 5)).toThrow(/^Step \d is not finite: .* became (NaN|Infinity)/);
    executable.dispose();
  });
});

describe('pictures', () => {
  const paint = (executable: Executable, count: number): Picture => {
    executable.call('snapshot_ema', {});
    const trainer = trainerOn(executable);
    const sampling = { ...config.sampling, count };
    const run = preview(config, sampling, geometry, trainer.schedule, executable);
    for (;;) {
      const turn = run.next();
      if (turn.done) return turn.value;
    }
  };

  it('come out the same for the same seed, image by image, however many are made', () => {
    const executable = executableOf('eager', freshState());
    losses(trainerOn(executable), 3);
    const four = paint(executable, 4);
    const again = paint(executable, 4);
    expect(again.images.data).toEqual(four.images.data);
    const two = paint(executable, 2);
    expect(two.images.data).toEqual(four.images.data.slice(0, two.images.data.length));
    expect(four.prototypes).toEqual([0, 1, 2, 3]);
    executable.dispose();
  });
});

describe('a look at the prototypes', () => {
  it('is of the live weights, the same eager and captured, and changes no bit', () => {
    const looks = kinds().map((kind) => {
      const before = tf.memory().numTensors;
      const executable = executableOf(kind, freshState(), 20);
      losses(trainerOn(executable), 2);
      const weights = hash(executable);
      const look = callProbe(
        executable,
        stripes(config),
        Int32Array.from({ length: 20 }, (_, i) => i),
      );
      expect(hash(executable)).toBe(weights);
      // The bank is the first of the parameters.
      const { k, dim } = geometry.spec;
      expect(look.bank?.data).toEqual(executable.read('params').data.slice(0, k * dim));
      expect(look.features?.shape).toEqual([20, dim]);
      expect(look.index?.data.every((prototype) => prototype >= 0 && prototype < k)).toBe(true);
      executable.dispose();
      expect(tf.memory().numTensors).toBe(before);
      return look;
    });
    const [one, other] = looks.map((look) => look.features?.data as Float32Array);
    one?.forEach((value, i) => expect(other?.[i] ?? value).toBeCloseTo(value, 4));
    // Stripes across and down are not the same to it.
    const { dim } = geometry.spec;
    expect(one?.slice(0, dim)).not.toEqual(one?.slice(dim, 2 * dim));
  });
});

describe('a checkpoint of another model', () => {
  it('is refused, the tensors named', () => {
    const executable = executableOf('eager', freshState());
    const tensors = checkpointTensors(executable, geometry, 0);
    executable.dispose();
    const wider = geometryOf({ ...config, model: { ...config.model, k: 7 } });
    expect(() => stateFromCheckpoint(tensors, wider)).toThrow(/prototype\.prototypes is \[4, 16\]/);
    const { 'unet.conv_in.bias': _dropped, ...rest } = tensors;
    expect(() => stateFromCheckpoint(rest, geometry)).toThrow(/unet\.conv_in\.bias is missing/);
  });
});
