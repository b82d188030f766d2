import type { RunSummary } from '@shared/protocol/contract';

export interface RunNode<R = RunSummary> {
  run: R;
  /** 0 for a run whose parent is not in the list. */
  depth: number;
}

/** Runs in the order given, each followed by its branches. */
export function treeOf<R extends Pick<RunSummary, 'run' | 'parent'>>(
  runs: readonly R[],
): RunNode<R>[] {
  const here = new Set(runs.map(({ run }) => run));
  const children = new Map<string, R[]>();
  const roots: R[] = [];
  for (const each of runs) {
    const parent = each.parent?.run;
    if (parent === undefined || !here.has(parent)) roots.push(each);
    else children.set(parent, [...(children.get(parent) ?? []), each]);
  }
  const nodes: RunNode<R>[] = [];
  const placed = new Set<string>();
  const place = (each: R, depth: number): void => {
    if (placed.has(each.run)) return;
    placed.add(each.run);
    nodes.push({ run: each, depth });
    for (const child of children.get(each.run) ?? []) place(child, depth + 1);
  };
  for (const root of roots) place(root, 0);
  // A circle of parents has no root; its runs are listed all the same.
  for (const each of runs) place(each, 0);
  return nodes;
}
