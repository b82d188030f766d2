import { totalmem } from 'node:os';
import type { NativeBackend } from './binding';
import { DT, nodeOf } from './graph';
import type { GraphNode } from './graph';

/** What shares the memory of its first input, or has none. */
const VIEWS = new Set([
  'Const',
  'Placeholder',
  'ReadVariableOp',
  'Identity',
  'Reshape',
  'Squeeze',
  'ExpandDims',
  'Slice',
]);
/** Bytes that are not worth it. */
const SMALL = 2 ** 24;
/** TensorFlow's order is another one by turns, and its pool has gaps. */
const MARGIN = 1.25;

/**
 * Bytes that a graph's results take at the most, were its operations run in the order in which they
 * were traced: each from where it is computed to its last consumer.
 *
 * @param nodes     in that order
 * @param elements  of the first output of each node that was traced
 */
export function peakOf(nodes: readonly GraphNode[], elements: ReadonlyMap<string, number>): number {
  const bytes = new Map<string, number>();
  const owner = new Map<string, string>();
  const last = new Map<string, number>();
  nodes.forEach((node, index) => {
    const [first = ''] = node.input;
    const view = VIEWS.has(node.op);
    const own = owner.get(nodeOf(first));
    owner.set(node.name, view && own !== undefined ? own : node.name);
    const count = elements.get(node.name) ?? (node.op === 'Cast' ? elements.get(nodeOf(first)) : 0);
    bytes.set(node.name, view ? 0 : (count ?? 0) * widthOf(node));
    for (const input of node.input) last.set(owner.get(nodeOf(input)) ?? '', index);
  });
  const freed = new Map<number, number>();
  for (const [name, index] of last)
    freed.set(index, (freed.get(index) ?? 0) + (bytes.get(name) ?? 0));
  let held = 0;
  let peak = 0;
  nodes.forEach(({ name }, index) => {
    if (last.has(name)) held += bytes.get(name) ?? 0;
    peak = Math.max(peak, held);
    held -= freed.get(index) ?? 0;
  });
  return peak;
}

function widthOf({ attr }: GraphNode): number {
  const dtype = attr['DstT'] ?? attr['T'] ?? attr['dtype'];
  return dtype?.['type'] === DT.bfloat16 ? 2 : 4;
}

/**
 * Has TensorFlow's pool on the processor grow in one piece to what a program takes at the most. Left alone it grows
 * by pieces of 1, 2, 4, ... MB, and what is free at their ends serves nothing large: an order of operations that
 * comes once in hundreds of steps then needs more (docs/adr/0024-level-memory.md). What is reserved is no memory
 * until it is used, but for a thirtieth of it.
 *
 * Nothing is reserved where that is more than half of the machine's memory, which may not be had in one piece.
 *
 * @param bytes  of the state and of peakOf
 */
export function reserve({ binding }: NativeBackend, bytes: number): void {
  const wanted = MARGIN * bytes;
  const onGpu = (binding['isUsingGpuDevice'] as () => boolean)();
  if (onGpu || wanted < SMALL || wanted > totalmem() / 2) return;
  // In rows of 4 MB: extents are 32 bits.
  const shape = Int32Array.of(Math.ceil(wanted / 2 ** 22), 2 ** 20);
  const extents = binding.createTensor([2], DT.int32, shape);
  try {
    const attrs = [
      { name: 'dtype', type: binding['TF_ATTR_TYPE'] as number, value: DT.float32 },
      { name: 'init', type: binding['TF_ATTR_BOOL'] as number, value: false },
    ];
    for (const { id } of binding.executeOp('Empty', attrs, [extents], 1)) binding.deleteTensor(id);
  } finally {
    binding.deleteTensor(extents);
  }
}
