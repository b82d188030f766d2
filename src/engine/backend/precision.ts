import { DT, type } from './graph';
import type { GraphNode } from './graph';

/** float32 throughout, or the large products in bfloat16. */
export type Precision = 'f32' | 'bf16';

/**
 * A float32 graph in mixed precision: convolutions and matrix products take bfloat16 and put it
 * out, and what only moves or joins their results stays in it; all else (statistics of norms,
 * sums, the loss, weights, optimiser, averages) is float32 as before. Inside a bfloat16 product
 * the sums are float32.
 *
 * bfloat16 has float32's range, so no loss scaling is needed. A tensor is cast at most once each
 * way, and where casts would meet there is none.
 *
 * @param nodes   in an order in which a node follows its inputs
 * @param extents of the outputs; a product of unknown extents stays as it is
 * @param constants  names of constant nodes, which may stand elsewhere in the graph
 * @source Kalamkar et al. 2019, arXiv:1905.12322; what to cast as PyTorch's autocast
 */
export function mixed(
  nodes: readonly GraphNode[],
  extents: ReadonlyMap<string, readonly number[]>,
  constants: ReadonlySet<string>,
): GraphNode[] {
  const shapeOf = (output: string): readonly number[] | undefined => extents.get(output);
  const size = (output: string): number =>
    shapeOf(output)?.reduce((product, extent) => product * extent, 1) ?? 0;
  const numbers = (node: GraphNode): string[] => dataOf(node).map((at) => node.input[at] ?? '');
  const isProduct = (node: GraphNode): boolean =>
    node.attr['T']?.['type'] === DT.float32 &&
    multiplications(node, size, shapeOf) >= LEAST_MULTIPLICATIONS &&
    // A constant matrix is the averaging of a norm's statistics.
    !numbers(node).some((input) => constants.has(input));
  const wanted = new Set(nodes.filter(isProduct).flatMap(numbers));

  const users = new Map<string, GraphNode[]>();
  for (const node of nodes)
    for (const input of node.input) users.set(input, [...(users.get(input) ?? []), node]);
  const onlyFor = (output: string, uses: (node: GraphNode) => boolean): boolean =>
    users.get(output)?.every(uses) === true;

  const out: GraphNode[] = [];
  const halved = new Set<string>();
  const isHalf = (output: string): boolean => halved.has(output.split(':', 1)[0] ?? '');
  const casts = new Set<string>();
  const cast = (output: string, from: number, to: number): string => {
    const name = `${output.replace(':', '_')}/${to === DT.bfloat16 ? 'bf16' : 'f32'}`;
    if (casts.has(name)) return name;
    casts.add(name);
    const attr = { SrcT: type(from), DstT: type(to), Truncate: { b: false } };
    out.push({ name, op: 'Cast', input: [output], attr });
    return name;
  };
  const half = (output: string): string =>
    isHalf(output) ? output : cast(output, DT.float32, DT.bfloat16);
  const full = (output: string): string =>
    isHalf(output) ? cast(output, DT.bfloat16, DT.float32) : output;

  /**
   * Whether an op finds its large inputs in bfloat16 and adds no rounding but that of its result;
   * that of a Mul would have come with the next product.
   */
  const follows = (node: GraphNode): boolean => {
    const { op, attr } = node;
    if (!(op in FOLLOWERS) || attr['T']?.['type'] !== DT.float32) return false;
    const data = numbers(node);
    const [first = '', ...others] = data;
    if (op === 'BiasAddGrad') return isHalf(first) || wanted.has(first);
    if (op === 'BiasAdd') return isHalf(first);
    if (!data.every(isHalf)) return false;
    if (op === 'Mul') return onlyFor(node.name, isProduct);
    return !op.startsWith('Add') || others.every((other) => size(other) === size(first));
  };

  for (const node of nodes) {
    const bf16 = isProduct(node) || follows(node);
    const data = bf16 ? dataOf(node) : [];
    if (bf16) halved.add(node.name);
    out.push({
      ...node,
      input: node.input.map((input, index) => {
        if (input.startsWith('^')) return input;
        return data.includes(index) ? half(input) : full(input);
      }),
      attr: bf16 ? { ...node.attr, T: type(DT.bfloat16) } : node.attr,
    });
  }
  return out;
}

/**
 * Below this a product costs less than the casts around it, and is left exact: time embeddings,
 * distances to prototypes.
 */
const LEAST_MULTIPLICATIONS = 4e6;

/** Which inputs of a product hold numbers; the others are extents. */
const PRODUCTS: Record<string, readonly number[]> = {
  Conv2D: [0, 1],
  Conv2DBackpropInput: [1, 2],
  Conv2DBackpropFilter: [0, 2],
  MatMul: [0, 1],
  BatchMatMulV2: [0, 1],
};

/** What may follow a product in bfloat16, and which of its inputs hold numbers. */
const FOLLOWERS: Record<string, readonly number[] | 'all but the last'> = {
  BiasAdd: [0, 1],
  BiasAddGrad: [0],
  Add: [0, 1],
  AddV2: [0, 1],
  Reshape: [0],
  Transpose: [0],
  Unpack: [0],
  Softmax: [0],
  Mul: [0, 1],
  ConcatV2: 'all but the last',
};

/** The inputs of a node that hold numbers. */
function dataOf({ op, input }: Pick<GraphNode, 'op' | 'input'>): readonly number[] {
  const which = PRODUCTS[op] ?? FOLLOWERS[op] ?? [];
  return which === 'all but the last' ? input.slice(0, -1).map((_, index) => index) : which;
}

/** Multiplications of a product; 0 where it is none, or of unknown extents. */
function multiplications(
  { name, op, input, attr }: GraphNode,
  size: (output: string) => number,
  shapeOf: (output: string) => readonly number[] | undefined,
): number {
  const [a = '', b = '', c = ''] = input;
  switch (op) {
    case 'Conv2D': // every output is a sum over the kernel's taps and input channels
      return (size(name) * size(b)) / (shapeOf(b)?.at(-1) ?? Infinity);
    case 'Conv2DBackpropInput': // dy takes the output's place
      return (size(c) * size(b)) / (shapeOf(b)?.at(-1) ?? Infinity);
    case 'Conv2DBackpropFilter':
      return (size(c) * size(name)) / (shapeOf(name)?.at(-1) ?? Infinity);
    case 'MatMul':
    case 'BatchMatMulV2': {
      const across = attr[op === 'MatMul' ? 'transpose_a' : 'adj_x']?.['b'] === true;
      return size(name) * (shapeOf(a)?.at(across ? -2 : -1) ?? 0);
    }
    default:
      return 0;
  }
}
