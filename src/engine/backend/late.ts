import { nodeOf } from './graph';
import type { GraphNode } from './graph';

/** Elements from which on a tensor is worth waiting with: a quarter of a megabyte. */
const LARGE = 2 ** 16;
const SOURCES = new Set(['Const', 'Placeholder', 'ReadVariableOp']);

/**
 * Lets large results that could be had at once wait for what they are combined with. TensorFlow
 * starts a node as soon as it has its inputs: m · beta_1 and its like, each as long as the model,
 * would come first and lie there until the gradient is known. Changes when they are computed only.
 *
 * A node waits only when it has one consumer, for another input of that consumer: placed between
 * the two it closes no cycle.
 *
 * @param nodes     of a graph, in the order in which they were traced; inputs are added to them
 * @param elements  of the first output of each node that has more than a few
 */
export function late(nodes: readonly GraphNode[], elements: ReadonlyMap<string, number>): void {
  const consumers = new Map<string, GraphNode[]>();
  const ready = new Set<string>();
  const early: GraphNode[] = [];
  for (const node of nodes) {
    const inputs = node.input.map(nodeOf);
    for (const input of new Set(inputs))
      consumers.set(input, [...(consumers.get(input) ?? []), node]);
    if (SOURCES.has(node.op) && !node.input.some((input) => input.startsWith('^'))) {
      ready.add(node.name);
    } else if (inputs.every((input) => ready.has(input))) {
      if ((elements.get(node.name) ?? 0) >= LARGE) early.push(node);
      else ready.add(node.name);
    }
  }
  const waiting = new Set(early.map(({ name }) => name));
  for (const node of early) {
    const [consumer, ...others] = consumers.get(node.name) ?? [];
    if (consumer === undefined || others.length > 0) continue;
    const partner = consumer.input
      .map(nodeOf)
      .find((input) => input !== node.name && !ready.has(input) && !waiting.has(input));
    if (partner !== undefined) node.input.push(`^${partner}`);
  }
}
