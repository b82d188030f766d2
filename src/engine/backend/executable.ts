import * as tf from '@tensorflow/tfjs';
import type { NdArray } from '@shared/maths/ndarray';
import { ndarray } from '@shared/maths/ndarray';
import type { Precision } from './precision';

export type Tensors = Record<string, tf.Tensor>;
export type Arrays = Record<string, NdArray>;

/** A pure function of state and inputs; returns what it reports and, if it changes it, the next state. */
export type Traceable = (state: Tensors, inputs: Tensors) => { outputs: Tensors; state?: Tensors };

/** `precision` is that of its products, float32 by default; eagerly it is always float32. */
export interface ProgramFunction {
  run: Traceable;
  example: () => Arrays;
  precision?: Precision;
}

/** Named state with the functions over it: what one session, captured or eager, holds. */
export interface Program {
  state: Arrays;
  functions: Record<string, ProgramFunction>;
}

/**
 * A program made runnable. State stays inside; it is read and written by name. A buffer handed
 * in belongs to the executable from then on (TensorFlow may keep using its memory).
 */
export interface Executable {
  readonly kind: 'eager' | 'captured';
  call(name: string, inputs: Arrays): Arrays;
  read(state: string): NdArray<Float32Array>;
  write(state: string, value: NdArray): void;
  dispose(): void;
}

/** Uploads one array. */
export function toTensor(array: NdArray): tf.Tensor {
  const dtype = array.dtype === 'i32' ? 'int32' : 'float32';
  return tf.tensor(array.data as Float32Array | Int32Array, [...array.shape], dtype);
}

/** Downloads one tensor; the copy is the caller's. */
export function toArray(tensor: tf.Tensor): NdArray<Float32Array> {
  return ndarray(tensor.dataSync() as Float32Array, tensor.shape);
}

/** Runs the functions as they are written, op by op: works on every backend. */
export function eager(program: Program): Executable {
  const state: Tensors = {};
  for (const [name, value] of Object.entries(program.state)) state[name] = toTensor(value);
  return {
    kind: 'eager',
    call(name, inputs) {
      const definition = program.functions[name];
      if (definition === undefined) throw new Error(`no function named ${name}`);
      const uploaded = mapValues(inputs, toTensor);
      const result = tf.tidy(
        () => definition.run(state, uploaded) as unknown as tf.TensorContainer,
      );
      const { outputs, state: next } = result as unknown as ReturnType<Traceable>;
      for (const [key, value] of Object.entries(next ?? {})) {
        state[key]?.dispose();
        state[key] = value;
      }
      const arrays = mapValues(outputs, toArray);
      tf.dispose([outputs, uploaded] as unknown as tf.TensorContainer);
      return arrays;
    },
    read: (name) => toArray(required(state, name)),
    write(name, value) {
      required(state, name).dispose();
      state[name] = toTensor(value);
    },
    dispose: () => tf.dispose(state),
  };
}

function required(state: Tensors, name: string): tf.Tensor {
  const value = state[name];
  if (value === undefined) throw new Error(`no state named ${name}`);
  return value;
}

export function mapValues<A, B>(
  record: Record<string, A>,
  map: (value: A) => B,
): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]));
}

export function mapNames<A, B>(
  record: Record<string, A>,
  map: (name: string, value: A) => B,
): Record<string, B> {
  return Object.fromEntries(
    Object.entries(record).map(([name, value]) => [name, map(name, value)]),
  );
}
