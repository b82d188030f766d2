import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import type { Arrays, Executable, Program, Tensors } from './executable';
import { mapValues, toArray, toTensor } from './executable';
import { DT, Graph, shape, type } from './graph';
import type { Attr, Attrs } from './graph';
import { lean } from './lean';
import type { Operand } from './lean';

/** What we use of the native addon; TensorFlow tensors are numbers (ids) to it. */
interface Binding {
  createTensor(shape: number[], dtype: number, values: ArrayBufferView): number;
  executeOp(op: string, attrs: OpAttr[], inputs: number[], outputs: number): OpOutput[];
  runSavedModel(session: number, inputs: number[], names: string, outputs: string): OpOutput[];
  deleteSavedModel(session: number): void;
  [constant: string]: unknown;
}
interface OpAttr {
  name: string;
  type: number;
  value: unknown;
}
interface OpOutput {
  id: number;
  shape: number[];
  dtype: number;
}
/** What we use of tfjs-node's backend; `tensorMap` holds values until an op first needs them. */
export interface NativeBackend {
  binding: Binding;
  tensorMap: {
    get(dataId: object): {
      id: number;
      shape: number[];
      dtype: number;
      values?: ArrayBufferView | null;
    };
  };
  createOutputTensor(output: OpOutput): tf.Tensor;
  loadSavedModelMetaGraph(dir: string, tags: string): number;
}

/**
 * Records every function of a program once and runs each as a single session call from then on:
 * tfjs runs an op at a time, a graph lets TensorFlow schedule, fuse and reuse memory.
 *
 * One eager run of each function (with its example inputs) is watched at the addon: ops become
 * nodes, uploads constants, inputs placeholders, state variables that live in the session. The
 * result is a function with the same contract; shapes are pinned to the example's.
 *
 * @throws Error when a function feeds an op something that was made outside of it
 */
export function capture(program: Program, backend: NativeBackend): Executable {
  const graph = new Graph();
  const state = mapValues(program.state, toTensor);
  for (const [name, value] of Object.entries(state)) {
    graph.add(
      'VarHandleOp',
      [],
      {
        dtype: type(DT.float32),
        shape: shape(value.shape),
        shared_name: text(name),
        container: text(''),
      },
      `var/${name}`,
    );
    graph.placeholder(DT.float32, value.shape, `init/${name}`);
    graph.add(
      'AssignVariableOp',
      [`var/${name}`, `init/${name}`],
      { dtype: type(DT.float32) },
      `set/${name}`,
    );
    graph.add(
      'Identity',
      [`init/${name}`, `^set/${name}`],
      { T: type(DT.float32) },
      `done/${name}`,
    );
    graph.add('ReadVariableOp', [`var/${name}`], { dtype: type(DT.float32) }, `get/${name}`);
  }
  const signatures = mapNames(program.functions, (name, definition) =>
    record(graph, backend, name, definition, state),
  );
  tf.dispose(state);

  const dir = mkdtempSync(join(tmpdir(), 'protodiff-graph-'));
  let session: number;
  try {
    writeFileSync(join(dir, 'saved_model.pb'), graph.encode());
    session = backend.loadSavedModelMetaGraph(dir, 'serve');
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }

  const run = (inputs: [string, tf.Tensor][], outputs: string[]): tf.Tensor[] => {
    try {
      return backend.binding
        .runSavedModel(
          session,
          inputs.map(([, value]) => idOf(backend, value)),
          inputs.map(([name]) => `${name}:0`).join(','),
          outputs.map((name) => (name.includes(':') ? name : `${name}:0`)).join(','),
        )
        .map((output) => backend.createOutputTensor(output));
    } finally {
      for (const [, value] of inputs) value.dispose();
    }
  };
  const write = (name: string, value: tf.Tensor): void => {
    tf.dispose(run([[`init/${name}`, value]], [`done/${name}`]));
  };
  for (const [name, value] of Object.entries(program.state)) write(name, toTensor(value));

  return {
    kind: 'captured',
    call(name, inputs) {
      const signature = signatures[name];
      if (signature === undefined) throw new Error(`no function named ${name}`);
      const feeds = signature.inputs.map((key): [string, tf.Tensor] => {
        const value = inputs[key];
        if (value === undefined) throw new Error(`${name} needs the input ${key}`);
        return [`${name}/${key}`, toTensor(value)];
      });
      const results = run(
        feeds,
        signature.outputs.map(([, node]) => node),
      );
      const arrays: Arrays = {};
      results.forEach((tensor, index) => {
        arrays[signature.outputs[index]?.[0] ?? ''] = toArray(tensor);
        tensor.dispose();
      });
      return arrays;
    },
    read(name) {
      const [tensor] = run([], [`get/${name}`]);
      if (tensor === undefined) throw new Error(`no state named ${name}`);
      const value = toArray(tensor);
      tensor.dispose();
      return value;
    },
    write: (name, value) => write(name, toTensor(value)),
    dispose: () => backend.binding.deleteSavedModel(session),
  };
}

interface Signature {
  inputs: string[];
  /** [key, node] of each output; fetching one also performs the function's assignments. */
  outputs: [string, string][];
}

/** Runs one function eagerly, writing down each op as a node of the graph. */
function record(
  graph: Graph,
  backend: NativeBackend,
  name: string,
  definition: Program['functions'][string],
  state: Tensors,
): Signature {
  const inputs = mapValues(definition.example(), toTensor);
  const nodes: Nodes = new Map();
  const reads = mapNames(state, (key) =>
    graph.add('ReadVariableOp', [`var/${key}`], { dtype: type(DT.float32) }, `${name}/read/${key}`),
  );
  for (const [key, value] of Object.entries(state))
    nodes.set(idOf(backend, value), { node: reads[key] ?? '', shape: value.shape });
  for (const [key, value] of Object.entries(inputs)) {
    const dtype = value.dtype === 'int32' ? DT.int32 : DT.float32;
    const node = graph.placeholder(dtype, value.shape, `${name}/${key}`);
    nodes.set(idOf(backend, value), { node, shape: value.shape });
  }
  const real = backend.binding;
  backend.binding = recorder(real, graph, nodes);
  try {
    const result = tf.tidy(() => definition.run(state, inputs) as unknown as tf.TensorContainer);
    const { outputs, state: next = {} } = result as unknown as ReturnType<typeof definition.run>;
    const node = (value: tf.Tensor): string => known(nodes, idOf(backend, value), name).node;
    const assigned = Object.entries(next).map(([key, value]) =>
      graph.add('AssignVariableOp', [`var/${key}`, node(value)], { dtype: type(DT.float32) }),
    );
    const signature: Signature = { inputs: Object.keys(inputs), outputs: [] };
    for (const [key, value] of Object.entries(outputs)) {
      const dtype = value.dtype === 'int32' ? DT.int32 : DT.float32;
      const fetch = graph.add(
        'Identity',
        [node(value), ...assigned.map((assignment) => `^${assignment}`)],
        { T: type(dtype) },
        `${name}/out/${key}`,
      );
      signature.outputs.push([key, fetch]);
    }
    tf.dispose([outputs, next] as unknown as tf.TensorContainer);
    return signature;
  } finally {
    backend.binding = real;
    tf.dispose(inputs);
  }
}

/** The addon, with executeOp and createTensor also writing nodes. Its own properties are frozen, so this is a copy. */
function recorder(real: Binding, graph: Graph, nodes: Nodes): Binding {
  const copy: Record<string, unknown> = {};
  for (const key of Object.getOwnPropertyNames(real)) {
    const value = real[key];
    copy[key] = typeof value === 'function' ? value.bind(real) : value;
  }
  const createTensor: Binding['createTensor'] = (extents, dtype, values) => {
    const id = real.createTensor(extents, dtype, values);
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength).slice();
    const node = graph.constant(dtype, extents, bytes);
    const small = values instanceof Int32Array && values.length <= MAX_RANK;
    nodes.set(id, { node, shape: extents, ...(small && { values: [...values] }) });
    return id;
  };
  const executeOp: Binding['executeOp'] = (op, attrs, inputs, outputs) => {
    const results = real.executeOp(op, attrs, inputs, outputs);
    const operation = lean(
      op,
      attrs,
      inputs.map((id) => known(nodes, id, op)),
    );
    const attr: Attrs = {};
    for (const item of operation.attrs) attr[item.name] = attrOf(real, item);
    const node = graph.add(operation.op, operation.inputs, attr);
    results.forEach(({ id, shape }, index) =>
      nodes.set(id, { node: index ? `${node}:${index}` : node, shape }),
    );
    return results;
  };
  return { ...copy, createTensor, executeOp } as Binding;
}

/** What each of the addon's tensors is in the graph. */
type Nodes = Map<number, Operand>;
const MAX_RANK = 8;

function known(nodes: Nodes, id: number, where: string): Operand {
  const operand = nodes.get(id);
  if (operand === undefined) {
    throw new Error(
      `cannot capture ${where}: it uses a tensor that was made outside of the step; make it an input`,
    );
  }
  return operand;
}

function attrOf(binding: Binding, { name, type: kind, value }: OpAttr): Attr {
  const many = Array.isArray(value);
  switch (kind) {
    case binding.TF_ATTR_INT:
      return many ? { list: { i: value } } : { i: value };
    case binding.TF_ATTR_FLOAT:
      return many ? { list: { f: value } } : { f: value };
    case binding.TF_ATTR_BOOL:
      return many ? { list: { b: value } } : { b: value };
    case binding.TF_ATTR_TYPE:
      return many ? { list: { type: value } } : { type: value };
    case binding.TF_ATTR_SHAPE:
      return shape(value as number[]);
    case binding.TF_ATTR_STRING:
      return text(value as string);
    default:
      throw new Error(`cannot capture the attribute ${name}: unknown kind ${kind}`);
  }
}

function text(value: string): Attr {
  return { s: Buffer.from(value) };
}

/** The addon's id of a tensor, uploading its values when no op has needed them yet. */
function idOf(backend: NativeBackend, value: tf.Tensor): number {
  const info = backend.tensorMap.get(value.dataId);
  if (info.values !== null && info.values !== undefined) {
    info.id = backend.binding.createTensor(info.shape, info.dtype, info.values);
    info.values = null;
  }
  return info.id;
}

function mapNames<A, B>(
  record: Record<string, A>,
  map: (name: string, value: A) => B,
): Record<string, B> {
  return Object.fromEntries(
    Object.entries(record).map(([name, value]) => [name, map(name, value)]),
  );
}
