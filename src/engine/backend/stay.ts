import { DT, nodeOf, type } from './graph';
import type { Graph, GraphNode } from './graph';
import type { Operand } from './lean';

type ByName = ReadonlyMap<string, GraphNode>;

/** What may share the memory of its first input. */
const VIEWS = new Set(['ExpandDims', 'Identity', 'InplaceUpdate', 'Reshape', 'Slice', 'Squeeze']);

/** The variable whose memory an output may lie in, by its handle; undefined for none. */
export function variableBehind(byName: ByName, output: string): string | undefined {
  const node = byName.get(nodeOf(output));
  const [first] = node?.input ?? [];
  if (node === undefined || first === undefined) return undefined;
  if (node.op === 'ReadVariableOp') return first;
  return VIEWS.has(node.op) ? variableBehind(byName, first) : undefined;
}

/**
 * Adds what ends a function: the assignment of each next state, and the node to fetch of each
 * output. All is computed before anything is assigned: a call that fails leaves the state as it
 * was. What lies in a variable that is written over is copied first, for whom it is wanted.
 *
 * @param nodes  of the function
 */
export function assign(
  graph: Graph,
  nodes: readonly GraphNode[],
  name: string,
  { state, outputs }: Record<'state' | 'outputs', Record<string, Operand>>,
): { results: string[]; fetches: [string, string][] } {
  const byName = new Map(nodes.map((node) => [node.name, node]));
  const written = new Set(Object.keys(state).map((key) => `var/${key}`));
  const safe = ({ node, dtype }: Operand, own?: string): string => {
    const from = variableBehind(byName, node) ?? '';
    if (from === own || !written.has(from)) return node;
    return graph.add('DeepCopy', [node], { T: type(dtype) });
  };
  const next = Object.entries(state).map(([key, value]) => {
    const handle = `var/${key}`;
    return { handle, node: safe(value, handle), dtype: value.dtype };
  });
  const shown = Object.entries(outputs).map(([key, value]) => {
    return { key, node: safe(value), dtype: value.dtype };
  });
  const results = [...next, ...shown].map(({ node }) => node);
  const made = new Set(results.map((node) => `^${nodeOf(node)}`));
  const after = next.map(({ handle, node, dtype }) => {
    const assignment = [handle, node, ...made];
    return `^${graph.add('AssignVariableOp', assignment, { dtype: type(dtype) })}`;
  });
  const fetches = shown.map(({ key, node, dtype }): [string, string] => [
    key,
    graph.add('Identity', [node, ...after], { T: type(dtype) }, `${name}/out/${key}`),
  ]);
  return { results, fetches };
}

/**
 * State stays where it lies: the new value is written over the old one. An assignment would take
 * the new value's memory and give the old one's back, so what lives as long as the run would wander
 * through TensorFlow's pool, leave holes, and the pool would grow around it for thousands of steps.
 *
 * What was read before must not be used after: `assign` sees to it.
 *
 * @param nodes  of one function
 */
export function stay(graph: Graph, nodes: readonly GraphNode[]): GraphNode[] {
  const byName = new Map(nodes.map((node) => [node.name, node]));
  return nodes.flatMap((node) => {
    const [handle = '', value = '', ...after] = node.input;
    if (node.op !== 'AssignVariableOp' || variableBehind(byName, value) === handle) return [node];
    const first = graph.constant(DT.int32, [], new Uint8Array(4));
    const rows = graph.constant(DT.int32, [1], new Uint8Array(4));
    const part = (what: string): string => `${node.name}/${what}`;
    const row = (name: string, of: string): GraphNode => ({
      ...{ name, op: 'ExpandDims', input: [of, first] },
      attr: { T: type(DT.float32), Tdim: type(DT.int32) },
    });
    const attr = { dtype: type(DT.float32) };
    return [
      { name: part('read'), op: 'ReadVariableOp', input: [handle, ...after], attr },
      row(part('old'), part('read')),
      row(part('new'), value),
      {
        ...{ name: node.name, op: 'InplaceUpdate', attr: { T: type(DT.float32) } },
        input: [part('old'), rows, part('new')],
      },
    ];
  });
}
