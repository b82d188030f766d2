import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { configFor } from '@shared/config/presets';
import { ndarray } from '@shared/maths/ndarray';
import type { NdArray } from '@shared/maths/ndarray';
import { stream } from '@shared/maths/rng';
import { loadBackend } from '../backend';
import { eager } from '../backend/executable';
import type { Program } from '../backend/executable';
import { trace } from '../backend/trace';
import { makeExecutable } from '../run/open';
import { adamw, BETA_1, BETA_2 } from './optimiser';
import { geometryOf, trainingProgram } from './program';
import { executableFor, stateFor, stripes } from './testing';
import { Trainer } from './trainer';

const backend = await loadBackend();
if (!backend.native) console.warn('SKIPPED: the update in place. There is no native TensorFlow.');

const tiny = configFor('tiny', { kind: 'digits' });
const config = { ...tiny, training: { ...tiny.training, batch_size: 4, warmup_steps: 0 } };

function started(frozen: number[]): Trainer {
  const executable = executableFor(config, backend, 'captured');
  const knobs = { ...config.knobs, weight_decay: 0.1, clip_grad_norm: 0.5 };
  return new Trainer(config, geometryOf(config), stripes(config), executable, knobs, 0, frozen);
}

describe.skipIf(!backend.native)('AdamW in place', () => {
  it('is one operation, and rows of the bank are written where they lie', () => {
    const program = trainingProgram(config, geometryOf(config), stateFor(config));
    if (!backend.native) return;
    const { nodes } = trace(program, backend.native).graph;
    const count = (name: string): number => nodes.filter(({ op }) => op === name).length;
    expect(count('ResourceApplyAdam')).toBe(1);
    expect(count('TensorScatterUpdate')).toBe(0);
    // Into parameters and both moments; the others are of state that stays, see stay.
    const rows = nodes.filter(
      ({ op, name }) => op === 'InplaceUpdate' && !name.includes('AssignVariableOp'),
    );
    expect(rows).toHaveLength(3);
  });

  it('moves parameters and moments as the composed form does', () => {
    const N = 1000;
    const normal = (key: number, scale = 1): NdArray<Float32Array> => {
      const data = stream(1, 'noise', key).fillNormal(new Float32Array(N));
      return ndarray(
        data.map((value) => value * scale),
        [N],
      );
    };
    const program = (): Program => ({
      state: { p: normal(0), m: normal(1, 0.1), v: ndarray(normal(2).data.map(Math.abs), [N]) },
      functions: {
        step: {
          example: () => ({ g: normal(3), scalars: ndarray(new Float32Array(5), [5]) }),
          run: ({ p, m, v }, { g, scalars }) => {
            const [lr, weight_decay, clip_grad_norm, correction_1, correction_2] = tf.unstack(
              scalars as tf.Tensor,
            ) as [tf.Scalar, tf.Scalar, tf.Scalar, tf.Scalar, tf.Scalar];
            const before = { p, m, v } as Record<'p' | 'm' | 'v', tf.Tensor>;
            const { norm, ...state } = adamw(before, g as tf.Tensor, {
              ...{ lr, weight_decay, clip_grad_norm, correction_1, correction_2 },
            });
            return { outputs: { norm }, state };
          },
        },
      },
    });
    const both = [eager(program()), makeExecutable(program(), backend)];
    expect(both.map(({ kind }) => kind)).toEqual(['eager', 'captured']);
    const [theirs = {}, ours = {}] = both.map((executable) => {
      let norm = NaN;
      for (let n = 1; n <= 5; n++) {
        const corrections = [1 / (1 - BETA_1 ** n), 1 / (1 - BETA_2 ** n)];
        const scalars = ndarray(Float32Array.of(0.1, 0.2, 20, ...corrections), [5]);
        norm = executable.call('step', { g: normal(3 + n), scalars }).norm?.data[0] ?? NaN;
      }
      const [p, m, v] = ['p', 'm', 'v'].map((name) => executable.read(name).data);
      executable.dispose();
      return { p, m, v, norm: Float32Array.of(norm) };
    });
    for (const [name, a] of Object.entries(ours) as [keyof typeof ours, Float32Array][]) {
      const b = theirs[name] as unknown as Float32Array;
      const apart = Math.max(...a.map((value, i) => Math.abs(value - (b[i] ?? NaN))));
      expect(apart, name).toBeLessThan(1e-6 * Math.max(...b.map(Math.abs)));
    }
  });

  it('leaves frozen rows and their moments alone, bit for bit', () => {
    const trainer = started([1]);
    const { executable } = trainer;
    const { dim } = geometryOf(config).spec;
    const rows = (name: string): Float32Array[] =>
      [0, 1].map((row) => executable.read(name).data.slice(row * dim, (row + 1) * dim));
    const [moves, stays] = rows('params');
    for (let step = 0; step < 3; step++) trainer.runStep();
    expect(rows('params')[0]).not.toEqual(moves);
    expect(rows('params')[1]).toEqual(stays);
    expect(rows('m')[1]).toEqual(new Float32Array(dim));
    expect(rows('v')[1]).toEqual(new Float32Array(dim));
    executable.dispose();
  });

  it('leaves a snapshot of the weights as it was taken', () => {
    const trainer = started([]);
    const { executable } = trainer;
    trainer.runStep();
    for (const of of ['snapshot_raw', 'snapshot_ema']) {
      executable.call(of, {});
      const taken = executable.read('snapshot').data.slice();
      const params = executable.read('params').data.slice();
      trainer.runStep();
      expect(executable.read('snapshot').data).toEqual(taken);
      expect(executable.read('params').data).not.toEqual(params);
    }
    executable.dispose();
  });
});
