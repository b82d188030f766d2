import type { Graph, GraphNode } from './graph';
import { DT, nodeOf, type } from './graph';
import { variableBehind } from './stay';

/**
 * AdamW as TensorFlow's own operation: it moves parameters and both moments where they lie, in one
 * pass over memory, where the composed form makes a dozen vectors beside them. It is found by its
 * form (training/optimiser.ts); an update of less than whole variables stays as it is.
 *
 * All that is not made from the moved values is waited for before the first of them moves, so a step
 * that fails leaves the state as it was. What the old values are needed for afterwards is a copy.
 *
 * @param nodes    of one function, in an order in which a node follows its inputs
 * @param results  the nodes that it assigns or puts out
 * @returns        the same in that order; results keep their names
 */
export function inPlace(graph: Graph, nodes: GraphNode[], results: readonly string[]): GraphNode[] {
  const byName = new Map(nodes.map((node) => [node.name, node]));
  const consumers = new Map<string, GraphNode[]>();
  for (const node of nodes)
    for (const input of new Set(node.input.map(nodeOf)))
      consumers.set(input, [...(consumers.get(input) ?? []), node]);
  const update = nodes.map((node) => adamwOf(node, byName)).find((found) => found !== null);
  if (!update) return nodes;
  const ends = [update.P, update.M, update.V];
  const composed = new Set([...update.inner, ...ends]);
  const outside = (node: GraphNode): boolean => !composed.has(node.name);
  if (update.inner.some((name) => consumers.get(name)?.some(outside))) return nodes;

  const moved = new Set(ends);
  for (const node of nodes)
    if (node.input.some((input) => moved.has(nodeOf(input)))) moved.add(node.name);
  const before = nodes.filter((node) => !moved.has(node.name) && outside(node));
  const after = nodes.filter((node) => moved.has(node.name) && outside(node));

  const block: GraphNode[] = [];
  const add = (op: string, input: string[], attr = FLOAT, name?: string): string => {
    const node = { name: name ?? `${update.P}/${op}_${block.length}`, op, input, attr };
    block.push(node);
    return node.name;
  };
  const { variables, gradient, rate, correction } = update;
  const handles = variables.map((name) => byName.get(name)?.input[0] ?? '');

  // Views of what moves would make it move to another place.
  const isView = (name: string): boolean => handles.includes(variableBehind(byName, name) ?? '');
  const copies = new Map<string, string>();
  const copyOf = (input: string): string => {
    if (input.startsWith('^') || moved.has(nodeOf(input)) || !isView(input)) return input;
    const copy = copies.get(input) ?? add('DeepCopy', [input]);
    copies.set(input, copy);
    return copy;
  };
  const rest = after.map((node) => ({ ...node, input: node.input.map(copyOf) }));
  const guards = [...results.filter((name) => !moved.has(nodeOf(name))), ...copies.values()].map(
    (name) => `^${nodeOf(name)}`,
  );

  const scaled = add('Mul', [gradient, update.factor]);
  const kept = add('Mul', [variables[0] ?? '', update.keep, `^${scaled}`]);
  const root = add('Sqrt', [correction]);
  const zero = graph.constant(DT.float32, [], new Uint8Array(4));
  // The operation divides by sqrt(v) + epsilon: c in sqrt(c·v) goes into the other two.
  const lr = add('RealDiv', [rate, root]);
  const epsilon = add('RealDiv', [update.epsilon, root]);
  const decayed = add('AssignVariableOp', [handles[0] ?? '', kept, ...guards], DTYPE);
  const apply = add(
    'ResourceApplyAdam',
    [...handles, zero, zero, lr, update.beta_1, update.beta_2, epsilon, scaled, `^${decayed}`],
    { ...FLOAT, use_locking: { b: false }, use_nesterov: { b: false } },
  );
  ends.forEach((name, index) =>
    add('ReadVariableOp', [handles[index] ?? '', `^${apply}`], DTYPE, name),
  );
  return [
    ...before.flatMap((node) => normOf(node, update, consumers)),
    ...block,
    ...rest.flatMap((node) => rowsOf(node, ends, rest)),
  ];
}

const FLOAT: GraphNode['attr'] = { T: type(DT.float32) };
const DTYPE: GraphNode['attr'] = { dtype: type(DT.float32) };

/** The parts of an update, by node. */
interface Adamw {
  /** Parameters and moments after the update. */
  P: string;
  M: string;
  V: string;
  /** Reads of the same before it. */
  variables: string[];
  /** Nodes that the update alone is made of. */
  inner: string[];
  gradient: string;
  squares: string;
  /** Scalars. */
  factor: string;
  keep: string;
  rate: string;
  correction: string;
  beta_1: string;
  beta_2: string;
  epsilon: string;
}

/** The update that a node ends, p·keep - rate · M / (sqrt(V·correction) + epsilon); null for others. */
function adamwOf(end: GraphNode, byName: ReadonlyMap<string, GraphNode>): Adamw | null {
  const inner: string[] = [];
  const take = (name: string | undefined, op: string): string[] | null => {
    const node = byName.get(name ?? '');
    if (node?.op !== op) return null;
    inner.push(node.name);
    return node.input;
  };
  if (end.op !== 'Sub') return null;
  const [kept, move] = end.input;
  const [p = '', keep = ''] = take(kept, 'Mul') ?? [];
  const [ratio, rate = ''] = take(move, 'Mul') ?? [];
  const [M = '', denominator] = take(ratio, 'RealDiv') ?? [];
  const [root, epsilon = ''] = take(denominator, 'Add') ?? [];
  const [corrected] = take(root, 'Sqrt') ?? [];
  const [V = '', correction = ''] = take(corrected, 'Mul') ?? [];
  const [m_faded, m_new] = take(M, 'Add') ?? [];
  const [m = '', beta_1 = ''] = take(m_faded, 'Mul') ?? [];
  const [gradient = '', m_share] = take(m_new, 'Mul') ?? [];
  const [factor = ''] = take(m_share, 'Mul') ?? [];
  const [v_faded, v_new] = take(V, 'Add') ?? [];
  const [v = '', beta_2 = ''] = take(v_faded, 'Mul') ?? [];
  const [squares = '', v_share] = take(v_new, 'Mul') ?? [];
  const [factors] = take(v_share, 'Mul') ?? [];
  const whole = [p, m, v].every((name) => byName.get(name)?.op === 'ReadVariableOp');
  const squared = byName.get(squares)?.input[0] === gradient;
  if (!whole || !squared || byName.get(factors ?? '')?.input[0] !== factor) return null;
  return {
    ...{ P: end.name, M, V, variables: [p, m, v], inner: inner.filter((n) => n !== M && n !== V) },
    ...{ gradient, squares, factor, keep, rate, correction, beta_1, beta_2, epsilon },
  };
}

/** The sum of the gradient's squares, without the vector of them. */
function normOf(
  node: GraphNode,
  { squares, gradient }: Adamw,
  consumers: ReadonlyMap<string, GraphNode[]>,
): GraphNode[] {
  if (node.op !== 'Sum' || node.input[0] !== squares) return [node];
  // The other consumer is gone with the composed update.
  if (consumers.get(squares)?.length !== 2) return [node];
  const half = { name: `${node.name}/L2Loss`, op: 'L2Loss', input: [gradient], attr: FLOAT };
  return [half, { ...node, op: 'Add', input: [half.name, half.name], attr: FLOAT }];
}

/** Rows written into a moved vector: where it lies, when nothing else reads what they replace. */
function rowsOf(
  node: GraphNode,
  ends: readonly string[],
  after: readonly GraphNode[],
): GraphNode[] {
  const [vector = '', places = '', rows = ''] = node.input;
  if (node.op !== 'TensorScatterUpdate' || !ends.includes(vector)) return [node];
  const readers = (name: string): GraphNode[] => after.filter(({ input }) => input.includes(name));
  const forRows = (reader: GraphNode): boolean =>
    reader.op === 'Slice' && readers(reader.name).every(({ name }) => name === rows);
  if (!readers(vector).every((reader) => reader === node || forRows(reader))) return [node];
  const flat = `${node.name}/Squeeze`;
  return [
    {
      ...{ name: flat, op: 'Squeeze', input: [places] },
      attr: { T: type(DT.int32), squeeze_dims: { list: { i: [1] } } },
    },
    { ...node, op: 'InplaceUpdate', input: [vector, flat, rows], attr: FLOAT },
  ];
}
