import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { FAMILY } from '@shared/config/family';
import type { Variant } from '@shared/config/family';
import { configFor, PRESET_NAMES } from '@shared/config/presets';
import type { RunConfig } from '@shared/config/run-config';
import { ndarray } from '@shared/maths/ndarray';
import { loadBackend } from '../backend';
import type { NativeBackend } from '../backend/binding';
import { capture } from '../backend/capture';
import type { Program, Traceable } from '../backend/executable';
import { abstractDevice, trace } from '../backend/trace';
import type { Device } from '../backend/trace';
import { initialRunning } from './initial';
import { geometryOf, trainingProgram } from './program';
import { stateFor } from './testing';

const backend = await loadBackend();
const native = backend.native as NativeBackend;
if (!backend.native) console.warn('SKIPPED: tracing. There is no native TensorFlow.');

const tiny = configFor('tiny', { kind: 'digits' });
const WEIGHTINGS = ['none', 'min_snr', 'v'] as const;
const PREDICTIONS = ['eps', 'v', 'x_0'] as const;

/** Every member, each with other options, so that each option is in some of them. */
const members = (Object.keys(FAMILY) as Variant[]).flatMap((variant, i) =>
  [0, 1].map((other): [string, RunConfig] => [
    `${FAMILY[variant].title}, ${other ? 'other' : 'one kind of'} options`,
    {
      ...tiny,
      model: {
        ...tiny.model,
        ...{ variant, attention: other ? 'all' : 'one' },
        ...{ assignment: other ? 'nearest' : 'balanced', prediction: PREDICTIONS[(i + other) % 3] },
      },
      training: {
        ...tiny.training,
        ...{ batch_size: 2, accumulate: 1 + other, condition_dropout: 0.2 * other },
        loss_weighting: WEIGHTINGS[(i + other) % 3],
      },
    } as RunConfig,
  ]),
);

/** A preset's levels, layers and size, with few channels and a batch of 1, so that it runs in a moment. */
function narrow(config: RunConfig): RunConfig {
  const { model, data } = config;
  return {
    ...config,
    data: { ...data, image_size: Math.min(data.image_size, 48) },
    model: {
      ...model,
      block_out_channels: model.block_out_channels.map((_, level) => (level ? 16 : 8)),
      ...{ norm_num_groups: 4, encoder_widths: [4, 8, 16], k: 3 },
    },
    training: { ...config.training, batch_size: 1 },
    sampling: { ...config.sampling, count: 1 },
  };
}
const narrowed = (['quick', 'cifar10', 'celeba'] as const).map((name): [string, RunConfig] => [
  `preset ${name}, narrow`,
  narrow(configFor(name, { kind: 'digits' })),
]);

function programOf(config: RunConfig, state = stateFor(config)): Program {
  const images = FAMILY[config.model.variant].bank ? 2 : 0;
  return trainingProgram(config, geometryOf(config), state, images);
}

/** Tensors of TensorFlow itself, and of tfjs. */
const alive = (): [number, number] => [native.getNumOfTFTensors(), tf.memory().numTensors];

/** What each op gave on a device, a line an op. */
function watched(device: Device): Device & { results: string[] } {
  const results: string[] = [];
  return {
    ...device,
    results,
    executeOp(...args) {
      const outputs = device.executeOp(...args);
      const facts = outputs.map(({ dtype, shape }) => `${dtype}[${shape.join()}]`);
      results.push(`${args[0]} ${facts.join(' ')}`);
      return outputs;
    },
  };
}

function realDevice(): Device {
  const { binding } = native;
  return {
    createTensor: (...args) => binding.createTensor(...args),
    executeOp: (op, attrs, inputs, outputs) => binding.executeOp(op, attrs, inputs, outputs),
    deleteTensor: (id) => binding.deleteTensor(id),
  };
}

describe.skipIf(!backend.native)('a program is traced without being run', () => {
  it.each([...members, ...narrowed])('%s: to the same graph as by running it', (_, config) => {
    const before = alive();
    const program = programOf(config);
    const abstract = watched(abstractDevice());
    const { graph, signatures } = trace(program, native, abstract);
    expect(alive()).toEqual(before);

    const real = watched(realDevice());
    const ran = trace(program, native, real);
    expect(abstract.results.length).toBeGreaterThan(500);
    expect(abstract.results).toEqual(real.results);
    expect(signatures).toEqual(ran.signatures);
    expect(Buffer.compare(graph.encode(), ran.graph.encode())).toBe(0);
    expect(alive()).toEqual(before);
  });

  it.each(PRESET_NAMES)('preset %s at its full size, without one native call', (name) => {
    const config = configFor(name, { kind: 'digits' });
    const { layout, spec } = geometryOf(config);
    const flat = ndarray(new Float32Array(layout.total), [layout.total]);
    const statistics = initialRunning(spec);
    const running = ndarray(statistics, [statistics.length]);
    const program = programOf(config, { params: flat, m: flat, v: flat, ema: flat, running });
    const { binding } = native;
    const calls: string[] = [];
    native.binding = Object.fromEntries(
      Object.getOwnPropertyNames(binding).map((key) => [
        key,
        typeof binding[key] === 'function' ? () => calls.push(key) : binding[key],
      ]),
    ) as unknown as NativeBackend['binding'];
    try {
      trace(program, native);
    } finally {
      native.binding = binding;
    }
    expect(calls).toEqual([]);
  });
});

describe.skipIf(!backend.native)(
  'what cannot be traced is refused, and the backend as before',
  () => {
    const x = ndarray(Float32Array.of(1, 2), [2]);
    const refused = (run: Traceable): (() => unknown) => {
      const program = { state: { w: x }, functions: { step: { example: () => ({ x }), run } } };
      return () => capture(program, native);
    };

    it.each<[string, RegExp, Traceable]>([
      [
        'an op without a shape',
        /cannot capture Cumsum.*SHAPES in .*shapes\.ts/,
        (_, { x }) => ({
          outputs: { y: tf.cumsum(x as tf.Tensor) },
        }),
      ],
      [
        'values that are not there',
        /cannot capture step: it reads the values of Add/,
        (_, { x }) => ({
          outputs: { y: tf.scalar(tf.add(x as tf.Tensor, 1).dataSync()[0] ?? 0) },
        }),
      ],
      [
        'shapes that do not fit',
        /cannot capture Add of \[2\], \[3\]/,
        (_, { x }) => ({
          outputs: { y: tf.add(x as tf.Tensor, [1, 2, 3]) },
        }),
      ],
    ])('%s', (_, message, run) => {
      const before = alive();
      const { binding, tensorMap } = native;
      expect(refused(run)).toThrow(message);
      expect(native.binding).toBe(binding);
      expect(native.tensorMap).toBe(tensorMap);
      expect(alive()).toEqual(before);
    });

    it('a tensor from outside, which keeps its values', () => {
      for (const outside of [tf.tensor1d([3, 4]), tf.square(tf.tensor1d([2, 3]))]) {
        const values = outside.dataSync().slice();
        expect(
          refused((_, { x }) => ({ outputs: { y: tf.add(x as tf.Tensor, outside) } })),
        ).toThrow(/made outside of the step; make it an input/);
        expect(tf.add(outside, 1).dataSync()).toEqual(values.map((value) => value + 1));
      }
    });
  },
);
