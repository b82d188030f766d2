import type { NativeBackend } from '../../src/engine/backend/binding';
import type { Program } from '../../src/engine/backend/executable';
import { nodeOf } from '../../src/engine/backend/graph';
import { trace } from '../../src/engine/backend/trace';

/** What a graph has that computes nothing at a call. */
const FREE = new Set(['Const', 'Placeholder', 'VarHandleOp', 'NoOp', 'Identity']);

/** Operations that a call of a program's function runs, before TensorFlow fuses any of them. */
export function operationsOf(program: Program, name: string, backend: NativeBackend): number {
  const { graph, signatures } = trace(program, backend);
  const nodes = new Map(graph.nodes.map((node) => [node.name, node]));
  const signature = signatures[name];
  if (signature === undefined) throw new Error(`no function named ${name}`);
  const wanted = signature.outputs.map(([, node]) => nodeOf(node));
  const seen = new Set<string>();
  for (let next = wanted.pop(); next !== undefined; next = wanted.pop()) {
    if (seen.has(next)) continue;
    seen.add(next);
    wanted.push(...(nodes.get(next)?.input ?? []).map(nodeOf));
  }
  return [...seen].filter((node) => !FREE.has(nodes.get(node)?.op ?? '')).length;
}
