import * as tf from '@tensorflow/tfjs';
import { sizeOf } from '@shared/maths/ndarray';
import type { NdArray } from '@shared/maths/ndarray';
import type { Binding, NativeBackend, OpOutput, TensorMap } from './binding';
import { idOf } from './binding';
import type { Program } from './executable';
import { mapNames } from './executable';
import { DT, Graph, nodeOf, shape, text, type } from './graph';
import type { Attr, Attrs } from './graph';
import { inPlace } from './in-place';
import { late } from './late';
import { lean } from './lean';
import type { Operand } from './lean';
import { recordPostponed } from './postponed';
import { mixed } from './precision';
import { shapesOf } from './shapes';
import type { Abstract, OpAttr } from './shapes';
import { assign, stay } from './stay';

/** How to call a function of a traced program. */
export interface Signature {
  /** The placeholder of an input is `function/input`. */
  inputs: string[];
  /** [key, node] of each output; fetching one also performs the function's assignments. */
  outputs: [string, string][];
}

export interface Traced {
  graph: Graph;
  signatures: Record<string, Signature>;
}

/** What stands in for the addon while a function is written down. */
export interface Device {
  createTensor: Binding['createTensor'];
  executeOp(
    op: string,
    attrs: OpAttr[],
    inputs: number[],
    outputs: number,
    known: readonly Abstract[],
  ): OpOutput[];
  deleteTensor(id: number): void;
}

/**
 * Computes nothing: results are shapes and dtypes under negative numbers, which tfjs-node takes
 * for tensors that the addon does not have, so it never hands them to it.
 */
export function abstractDevice(): Device {
  let id = -1; // what tfjs-node gives a tensor that was not uploaded yet
  return {
    createTensor: () => --id,
    executeOp: (op, attrs, _inputs, _outputs, known) =>
      shapesOf(op, attrs, known).map(({ shape, dtype }) => ({
        id: --id,
        shape: [...shape],
        dtype,
      })),
    deleteTensor: () => undefined,
  };
}

/**
 * Writes every function of a program down as a graph, with the state as variables. Each is called
 * once and watched at the native addon: ops become nodes, uploads constants, inputs placeholders.
 * Nothing is computed; shapes follow from the example inputs, whose values do not matter.
 *
 * @param device  runs the ops meanwhile; by default none does
 * @throws Error when a function uses something that was made outside of it, reads the values of a
 *         tensor, or needs an op that shapes.ts does not know
 */
export function trace(
  program: Program,
  backend: NativeBackend,
  device: Device = abstractDevice(),
): Traced {
  const graph = new Graph();
  const elements = new Map<string, number>();
  for (const [name, value] of Object.entries(program.state)) addVariable(graph, name, value.shape);
  const signatures = mapNames(program.functions, (name) =>
    traceFunction(graph, backend, program, name, device, elements),
  );
  late(graph.nodes, elements);
  return { graph, signatures };
}

/**
 * A variable `var/name`, read by `get/name`; `done/name` sets it to a copy of what `init/name` is fed.
 * What is fed may lie in an array of JavaScript's, which must be let go of on its own thread; a
 * variable lets go of it where it is assigned, on any thread and several at once.
 */
function addVariable(graph: Graph, name: string, extents: readonly number[]): void {
  const dtype = { dtype: type(DT.float32) };
  graph.add(
    'VarHandleOp',
    [],
    { ...dtype, shape: shape(extents), shared_name: text(name), container: text('') },
    `var/${name}`,
  );
  graph.placeholder(DT.float32, extents, `init/${name}`);
  graph.add('DeepCopy', [`init/${name}`], { T: type(DT.float32) }, `copy/${name}`);
  graph.add('AssignVariableOp', [`var/${name}`, `copy/${name}`], dtype, `set/${name}`);
  graph.add('Identity', [`init/${name}`, `^set/${name}`], { T: type(DT.float32) }, `done/${name}`);
  graph.add('ReadVariableOp', [`var/${name}`], dtype, `get/${name}`);
}

function traceFunction(
  graph: Graph,
  backend: NativeBackend,
  program: Program,
  name: string,
  device: Device,
  elements: Map<string, number>,
): Signature {
  const definition = program.functions[name];
  if (definition === undefined) throw new Error(`no function named ${name}`);
  const { binding, tensorMap } = backend;
  const first = graph.nodes.length;
  const nodes: Nodes = new Map();
  const stand = (array: NdArray, node: (dtype: number) => string): tf.Tensor => {
    const dtype = array.dtype === 'i32' ? DT.int32 : DT.float32;
    const extents = [...array.shape];
    const id = device.createTensor(extents, dtype, array.data);
    nodes.set(id, { node: node(dtype), shape: extents, dtype });
    return backend.createOutputTensor({ id, shape: extents, dtype });
  };
  backend.tensorMap = ownTensors(tensorMap, name);
  backend.binding = recorder(binding, device, { graph, nodes, name });
  recordPostponed((x, until) => {
    const [from, on] = [idOf(backend, x), idOf(backend, until)];
    const { dtype, node } = known(nodes, from, name);
    const attrs = [{ name: 'T', type: binding.TF_ATTR_TYPE as number, value: dtype }];
    const [result] = device.executeOp('Identity', attrs, [from], 1, [known(nodes, from, name)]);
    if (result === undefined) throw new Error('Identity gave nothing');
    const wait = `^${nodeOf(known(nodes, on, name).node)}`;
    const added = graph.add('Identity', [node, wait], { T: type(dtype) });
    nodes.set(result.id, { node: added, shape: result.shape, dtype });
    return backend.createOutputTensor(result);
  });
  tf.engine().startScope(name);
  try {
    const state = mapNames(program.state, (key, value) =>
      stand(value, (dtype) =>
        graph.add('ReadVariableOp', [`var/${key}`], { dtype: type(dtype) }, `${name}/read/${key}`),
      ),
    );
    const inputs = mapNames(definition.example(), (key, value) =>
      stand(value, (dtype) => graph.placeholder(dtype, value.shape, `${name}/${key}`)),
    );
    const { outputs, state: next = {} } = definition.run(state, inputs);
    const operand = (_: string, value: tf.Tensor): Operand =>
      known(nodes, idOf(backend, value), name);
    const { results, fetches } = assign(graph, graph.nodes.slice(first), name, {
      state: mapNames(next, operand),
      outputs: mapNames(outputs, operand),
    });
    for (const { node, shape } of nodes.values()) elements.set(node, sizeOf(shape));
    tf.dispose([outputs, next] as unknown as tf.TensorContainer); // some are kept beyond a scope
    const placed = inPlace(graph, graph.nodes.splice(first), results);
    graph.nodes.push(...stay(graph, placed));
    if (definition.precision === 'bf16') {
      const extents = new Map([...nodes.values()].map(({ node, shape }) => [node, shape]));
      const constants = new Set(
        graph.nodes.filter(({ op }) => op === 'Const').map((node) => node.name),
      );
      graph.nodes.push(...mixed(graph.nodes.splice(first), extents, constants));
    }
    return { inputs: Object.keys(inputs), outputs: fetches };
  } finally {
    tf.engine().endScope();
    recordPostponed(null);
    backend.binding = binding;
    backend.tensorMap = tensorMap;
  }
}

/** What each tensor is in the graph. */
type Nodes = Map<number, Operand>;

/** The addon while a function is traced. Its own properties are frozen, so this is a copy. */
function recorder(
  real: Binding,
  device: Device,
  { graph, nodes, name }: { graph: Graph; nodes: Nodes; name: string },
): Binding {
  const constants = Object.getOwnPropertyNames(real).filter(
    (key) => typeof real[key] !== 'function',
  );
  return {
    ...Object.fromEntries(constants.map((key) => [key, real[key]])),
    createTensor(extents, dtype, values) {
      const id = device.createTensor(extents, dtype, values);
      const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength).slice();
      const node = graph.constant(dtype, extents, bytes);
      const integers = values instanceof Int32Array && { values: [...values] };
      nodes.set(id, { node, shape: extents, dtype, ...integers });
      return id;
    },
    executeOp(op, attrs, inputs, outputs) {
      const operands = inputs.map((id) => known(nodes, id, `${name}: ${op}`));
      const results = device.executeOp(op, attrs, inputs, outputs, operands);
      const operation = lean(op, attrs, operands);
      const attr: Attrs = {};
      for (const item of operation.attrs) attr[item.name] = attrOf(real, item);
      const node = graph.add(operation.op, operation.inputs, attr);
      results.forEach(({ id, shape, dtype }, index) =>
        nodes.set(id, { node: index ? `${node}:${index}` : node, shape, dtype }),
      );
      return results;
    },
    tensorDataSync(id: number): never {
      const { node } = known(nodes, id, name);
      throw new Error(
        `cannot capture ${name}: it reads the values of ${node}, which has none before it runs`,
      );
    },
    deleteTensor: (id: number) => device.deleteTensor(id),
    runSavedModel: refuse('runSavedModel', name),
    deleteSavedModel: refuse('deleteSavedModel', name),
  };
}

function refuse(what: string, name: string): () => never {
  return () => {
    throw new Error(`cannot capture ${name}: it calls ${what}`);
  };
}

/** Tensors from elsewhere are refused: here they would get a number that means nothing later. */
function ownTensors(map: TensorMap, name: string): TensorMap {
  const own = new WeakSet<object>();
  return {
    get(dataId) {
      if (!own.has(dataId)) throw madeOutside(name);
      return map.get(dataId);
    },
    set(dataId, entry) {
      own.add(dataId);
      map.set(dataId, entry);
    },
    has: (dataId) => map.has(dataId),
    delete: (dataId) => map.delete(dataId),
    numDataIds: () => map.numDataIds(),
  };
}

function known(nodes: Nodes, id: number, where: string): Operand {
  const operand = nodes.get(id);
  if (operand === undefined) throw madeOutside(where);
  return operand;
}

function madeOutside(where: string): Error {
  return new Error(
    `cannot capture ${where}: it uses a tensor that was made outside of the step; make it an input`,
  );
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
