import * as tf from '@tensorflow/tfjs';
import { choicesOf } from '@shared/config/family';
import type { RunConfig } from '@shared/config/run-config';
import { ndarray, sizeOf } from '@shared/maths/ndarray';
import type { NdArray } from '@shared/maths/ndarray';
import type { Arrays, Program, Tensors, Traceable } from '../backend/executable';
import { flatLayout, named, unflatten } from '../nn/flat';
import type { FlatLayout } from '../nn/flat';
import { hasBank, parameterSpecs, specOf } from '../nn/spec';
import type { ModelSpec, ParameterSpec } from '../nn/spec';
import { lossOf, phasesOf } from '../diffusion/loss';
import type { Batch } from '../diffusion/loss';
import { epsOf } from '../diffusion/prediction';
import { conditionFrom } from '../nn/condition';
import { unet } from '../nn/unet';
import { probeFunction } from './probe';
import { gatherStep, STEP_SCALARS, trainStep } from './step';
import type { StepInputs, TrainState, STATE_NAMES } from './step';

/** A model's geometry, worked out once from its configuration. */
export interface Geometry {
  spec: ModelSpec;
  specs: ParameterSpec[];
  layout: FlatLayout;
}

export function geometryOf(config: RunConfig): Geometry {
  const spec = specOf(config);
  const specs = parameterSpecs(spec);
  return { spec, specs, layout: flatLayout(specs) };
}

/** `snapshot` holds the weights a picture is made from, while training goes on beside it. */
export type ProgramState = Record<(typeof STATE_NAMES)[number], NdArray<Float32Array>>;

const zeros = (shape: number[]): NdArray<Float32Array> =>
  ndarray(new Float32Array(sizeOf(shape)), shape);

/**
 * All that an engine runs on a device for one run: the training step, the errors of the averaged
 * weights on a batch, taking a snapshot of the averaged or raw weights, one prediction of the noise
 * from that snapshot, and a look at the prototypes through a batch of `images`, where snapshots of
 * them are wanted. Training takes each batch in `parts` even pieces.
 */
export function trainingProgram(
  config: RunConfig,
  geometry: Geometry,
  state: ProgramState,
  images = 0,
  parts = 1,
): Program {
  const { spec, layout } = geometry;
  const { precision } = config.model;
  const accumulate = config.training.accumulate * parts;
  const { batch_size } = config.training;
  const piece = { ...config, training: { ...config.training, batch_size: batch_size / parts } };
  const example = (): Arrays => trainExample(piece, spec);
  const steps = phasesOf(spec).flatMap((phase): [string, Program['functions'][string]][] => {
    const model = { spec, layout, phase };
    const train: Traceable = (state, inputs) => {
      if (accumulate === 1) return trainStep(model, state as TrainState, inputs as StepInputs);
      const sum = state.gradient as tf.Tensor;
      const done = trainStep(model, state as TrainState, inputs as StepInputs, { sum, accumulate });
      return { ...done, state: { ...done.state, gradient: tf.zerosLike(sum) } };
    };
    const gather: Traceable = (state, inputs) =>
      gatherStep(model, state as TrainState & { gradient: tf.Tensor }, inputs as StepInputs);
    return [
      [`train_${phase}`, { example, run: train, precision }],
      ...(accumulate > 1
        ? [[`gather_${phase}`, { example, run: gather, precision }] as const]
        : []),
    ] as [string, Program['functions'][string]][];
  });
  return {
    state: {
      ...state,
      snapshot: ndarray(state.params.data.slice(), [layout.total]),
      ...(accumulate > 1 && { gradient: zeros([layout.total]) }),
    },
    functions: {
      ...Object.fromEntries(steps),
      // Only where it will be called: every function costs a run while it is captured.
      ...(config.training.validate_every > 0 && { errors: errorsFunction(config, geometry) }),
      snapshot_ema: { example: () => ({}), run: (state) => copyOf(state, 'ema') },
      snapshot_raw: { example: () => ({}), run: (state) => copyOf(state, 'params') },
      eps: epsFunction(config, geometry, config.sampling.count),
      ...(images > 0 && { probe: probeFunction(config, geometry, images) }),
    },
  };
}

/** errors [B] of the averaged weights on a batch, see Losses. */
function errorsFunction(
  config: RunConfig,
  { spec, layout }: Geometry,
): Program['functions'][string] {
  return {
    example: () => batchExample(config, spec),
    run: (state, inputs) => {
      const params = named(layout, unflatten(layout, state.ema as tf.Tensor1D));
      const one = tf.scalar(1);
      const weights = { tau: one, alpha: one, beta: one };
      const { errors } = lossOf(params, spec, inputs as unknown as Batch, weights);
      if (errors === undefined) throw new Error('the loss has no errors of the images');
      return { outputs: { errors } };
    },
  };
}

/** Only the network, for pictures from a stored checkpoint. */
export function samplingProgram(
  config: RunConfig,
  geometry: Geometry,
  weights: NdArray<Float32Array>,
  count: number,
): Program {
  return { state: { snapshot: weights }, functions: { eps: epsFunction(config, geometry, count) } };
}

function copyOf(state: Tensors, from: string): { outputs: Tensors; state: Tensors } {
  const value = state[from];
  if (value === undefined) throw new Error(`no state named ${from}`);
  return { outputs: { done: tf.scalar(1) }, state: { snapshot: tf.clone(value) } };
}

/** eps(x_t, t, condition) from the snapshot; `shares` [B, K] as conditionFrom takes them. */
function epsFunction(
  config: RunConfig,
  geometry: Geometry,
  count: number,
): Program['functions'][string] {
  const { spec, layout } = geometry;
  return {
    example: () => epsExample(config, spec, count),
    run: (state, inputs) => {
      const params = named(layout, unflatten(layout, state.snapshot as tf.Tensor1D));
      const x_t = inputs.x_t as tf.Tensor4D;
      const output = unet(params, spec, {
        x_t,
        time_proj: inputs.time_proj as tf.Tensor2D,
        condition: conditionFrom(
          params,
          spec,
          inputs.shares as tf.Tensor2D | undefined,
          inputs.token_time as tf.Tensor2D,
        ),
      });
      const { signal, noise } = inputs as { signal: tf.Tensor4D; noise: tf.Tensor4D };
      return { outputs: { eps: epsOf(spec.prediction, output, x_t, { signal, noise }) } };
    },
  };
}

function trainExample(config: RunConfig, spec: ModelSpec): Arrays {
  const scalars = zeros([STEP_SCALARS.length]);
  scalars.data.fill(1);
  return {
    ...batchExample(config, spec),
    scalars,
    ...(hasBank(spec) && { trains: allTrain(spec) }),
  };
}

/** [K, 1]: no prototype is frozen. */
function allTrain({ k }: ModelSpec): NdArray<Float32Array> {
  return ndarray(new Float32Array(k).fill(1), [k, 1]);
}

function batchExample(config: RunConfig, spec: ModelSpec): Record<keyof Batch, NdArray> {
  const B = config.training.batch_size;
  const { image_size, channels } = config.data;
  const image = [B, image_size, image_size, channels];
  return {
    x_0: zeros(image),
    eps: zeros(image),
    signal: zeros([B, 1, 1, 1]),
    noise: zeros([B, 1, 1, 1]),
    time_proj: zeros([B, spec.block_out_channels[0] ?? 0]),
    token_time: zeros([B, spec.dim]),
    labels: ndarray(new Int32Array(B), [B]),
    loss_weight: zeros([B]),
    keep: zeros([B, 1]),
  };
}

function epsExample(config: RunConfig, spec: ModelSpec, count: number): Arrays {
  const { image_size, channels } = config.data;
  return {
    x_t: zeros([count, image_size, image_size, channels]),
    time_proj: zeros([count, spec.block_out_channels[0] ?? 0]),
    token_time: zeros([count, spec.dim]),
    signal: zeros([count, 1, 1, 1]),
    noise: zeros([count, 1, 1, 1]),
    ...(choicesOf(spec) > 0 && { shares: zeros([count, spec.k]) }),
  };
}
