import type * as tf from '@tensorflow/tfjs';
import type { OpAttr } from './shapes';

/** What we use of the native addon; TensorFlow tensors are numbers (ids) to it. */
export interface Binding {
  createTensor(shape: number[], dtype: number, values: ArrayBufferView): number;
  executeOp(op: string, attrs: OpAttr[], inputs: number[], outputs: number): OpOutput[];
  runSavedModel(session: number, inputs: number[], names: string, outputs: string): OpOutput[];
  deleteSavedModel(session: number): void;
  deleteTensor(id: number): void;
  [name: string]: unknown;
}
export interface OpOutput {
  id: number;
  shape: number[];
  dtype: number;
}

/** A tensor of tfjs-node; `values` holds what was not uploaded yet, its id is not one then. */
export interface TensorEntry {
  id: number;
  shape: number[];
  dtype: number;
  values?: ArrayBufferView | null;
}
export interface TensorMap {
  get(dataId: object): TensorEntry;
  set(dataId: object, entry: TensorEntry): void;
  has(dataId: object): boolean;
  delete(dataId: object): boolean;
  numDataIds(): number;
}

/** What we use of tfjs-node's backend. */
export interface NativeBackend {
  binding: Binding;
  tensorMap: TensorMap;
  createOutputTensor(output: OpOutput): tf.Tensor;
  loadSavedModelMetaGraph(dir: string, tags: string): number;
  getNumOfSavedModels(): number;
  getNumOfTFTensors(): number;
}

/** The addon's id of a tensor, uploading its values when no op has needed them yet. */
export function idOf(backend: NativeBackend, value: tf.Tensor): number {
  const entry = backend.tensorMap.get(value.dataId);
  if (entry.values !== null && entry.values !== undefined) {
    entry.id = backend.binding.createTensor(entry.shape, entry.dtype, entry.values);
    entry.values = null;
  }
  return entry.id;
}
