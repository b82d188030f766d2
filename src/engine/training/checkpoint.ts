import { createHash } from 'node:crypto';
import { AppError, NON_FINITE } from '@shared/errors';
import { ndarray } from '@shared/maths/ndarray';
import type { NdArray } from '@shared/maths/ndarray';
import type { Executable } from '../backend/executable';
import { weightFromReference, weightToReference } from '../nn/layout';
import { bufferSpecs } from '../nn/spec';
import type { Geometry, ProgramState } from './program';

/**
 * A checkpoint's tensors. Weights and BatchNorm statistics carry the reference's names and
 * layout, so that PyTorch loads the file as a state dict; beside them `ema.…`, `adam_m.…` and
 * `adam_v.…` repeat the parameters' names. Random state and data position follow from the step.
 */
export const PREFIXES = { params: '', ema: 'ema.', m: 'adam_m.', v: 'adam_v.' } as const;

/** @param state  reads `params`, `ema`, `m`, `v` [total] and `running` */
export function checkpointTensors(
  state: Pick<Executable, 'read'>,
  geometry: Geometry,
  step: number,
): Record<string, NdArray> {
  return {
    ...Object.assign(
      {},
      ...Object.entries(PREFIXES).map(([name, prefix]) =>
        weightTensors(geometry, state.read(name).data as Float32Array, prefix),
      ),
    ),
    ...runningTensors(geometry, state.read('running').data as Float32Array, step),
  };
}

/**
 * A flat vector's tensors under the reference's names, in its layout: parts of one array, not of
 * what they were made from. An array for each would leave gaps in the heap, checkpoint after checkpoint.
 */
export function weightTensors(
  { layout }: Geometry,
  flat: Float32Array,
  prefix = '',
): Record<string, NdArray> {
  const out: Record<string, NdArray> = {};
  const all = new Float32Array(layout.total);
  let at = 0;
  layout.names.forEach((name, index) => {
    const end = at + (layout.sizes[index] ?? 0);
    const part = ndarray(flat.subarray(at, end), layout.shapes[index] ?? []);
    out[prefix + name] = weightToReference(part, all.subarray(at, end));
    at = end;
  });
  return out;
}

/** BatchNorm's statistics and counter, as PyTorch keeps them. */
export function runningTensors(
  { spec }: Geometry,
  running: Float32Array,
  step: number,
): Record<string, NdArray> {
  const out: Record<string, NdArray> = {};
  let at = 0;
  for (const { name, width } of bufferSpecs(spec)) {
    out[`${name}.running_mean`] = ndarray(running.slice(at, at + width), [width]);
    out[`${name}.running_var`] = ndarray(running.slice(at + width, at + 2 * width), [width]);
    out[`${name}.num_batches_tracked`] = ndarray(Int32Array.of(step), []);
    at += 2 * width;
  }
  return out;
}

/**
 * The state to go on from.
 * @throws AppError bad_checkpoint listing what is missing or of another shape
 */
export function stateFromCheckpoint(
  tensors: Record<string, NdArray>,
  geometry: Geometry,
): ProgramState {
  const problems: string[] = [];
  const flat = (prefix: string): NdArray<Float32Array> => {
    const out = new Float32Array(geometry.layout.total);
    let at = 0;
    geometry.layout.names.forEach((name, index) => {
      const value = read(tensors, prefix + name, geometry.layout.shapes[index] ?? [], problems);
      if (value !== null) out.set(value, at);
      at += geometry.layout.sizes[index] ?? 0;
    });
    return ndarray(out, [out.length]);
  };
  const running: number[] = [];
  for (const { name, width } of bufferSpecs(geometry.spec)) {
    for (const part of ['running_mean', 'running_var']) {
      running.push(...(read(tensors, `${name}.${part}`, [width], problems) ?? []));
    }
  }
  const state: ProgramState = {
    params: flat(PREFIXES.params),
    ema: flat(PREFIXES.ema),
    m: flat(PREFIXES.m),
    v: flat(PREFIXES.v),
    running: ndarray(Float32Array.from(running), [running.length]),
  };
  if (problems.length > 0) {
    const more = problems.length > 5 ? ` and ${problems.length - 5} more` : '';
    throw new AppError(
      'bad_checkpoint',
      `The checkpoint is of another model: ${problems.slice(0, 5).join('; ')}${more}.`,
      {
        remedy:
          'Choose a checkpoint of this run, or start a run with the settings it was made with.',
      },
    );
  }
  return state;
}

function read(
  tensors: Record<string, NdArray>,
  name: string,
  shape: readonly number[],
  problems: string[],
): Float32Array | null {
  const value = tensors[name];
  if (value === undefined) {
    problems.push(`${name} is missing`);
    return null;
  }
  const ours = weightFromReference(value as NdArray<Float32Array>);
  if (value.dtype !== 'f32' || ours.shape.join() !== shape.join()) {
    problems.push(`${name} is [${value.shape.join(', ')}]`);
    return null;
  }
  return ours.data;
}

/** SHA-256 over the raw weights, little-endian float32 in parameter order. */
export function weightsSha256(params: Float32Array): string {
  return createHash('sha256')
    .update(Buffer.from(params.buffer, params.byteOffset, params.byteLength))
    .digest('hex');
}

/** Weights that are spoilt never stand in for good ones. @throws AppError non_finite */
export function needFinite(tensors: Record<string, NdArray>, step: number): void {
  for (const [name, { dtype, data }] of Object.entries(tensors)) {
    if (dtype !== 'f32' || allFinite(data as Float32Array)) continue;
    throw new AppError('non_finite', `The state after step ${step} ${NON_FINITE}: ${name}.`, {
      remedy: 'Go back to the last checkpoint with half the learning rate.',
    });
  }
}

/** Of millions of values between two steps: ten times as fast as to ask each. */
function allFinite(data: Float32Array): boolean {
  // A finite value times zero is zero; infinities and NaN give NaN, which stays.
  let zero = 0;
  for (let i = 0; i < data.length; i++) zero += (data[i] as number) * 0;
  return zero === 0;
}
