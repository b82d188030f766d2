import { describe, expect, it } from 'vitest';
import { ghostsOf } from '../cells/curves/ghosts';
import { seriesUntil } from '../cells/curves/run-lines';
import { seriesOf } from '../plots/testing';
import { treeOf } from './run-tree';

const run = (name: string, parent?: string, step = 0) => ({
  run: name,
  parent: parent === undefined ? null : { run: parent, step, sha256: '' },
});

describe('the tree of runs', () => {
  it('puts branches beneath their parents, the order kept', () => {
    const runs = [run('e'), run('d', 'b'), run('c', 'a'), run('b', 'a'), run('a')];
    expect(treeOf(runs).map((node) => `${node.depth}${node.run.run}`)).toEqual([
      ...['0e', '0a', '1c', '1b', '2d'],
    ]);
  });

  it('lists a run whose parent is gone, and runs that name each other', () => {
    const runs = [run('a', 'gone'), run('b', 'c'), run('c', 'b')];
    expect(treeOf(runs).map((node) => `${node.depth}${node.run.run}`)).toEqual(['0a', '0b', '1c']);
  });
});

describe('ghosts', () => {
  const runs = [run('a'), run('b', 'a', 200), run('c', 'b', 300), run('d', 'a', 250)];
  const find = (name: string) => runs.find((each) => each.run === name);

  it('are all ancestors, each up to the last step at which a drawn run parted from it', () => {
    expect(ghostsOf(['c'], find)).toEqual([
      { run: 'b', until: 300 },
      { run: 'a', until: 200 },
    ]);
    expect(ghostsOf(['c', 'd'], find)).toEqual([
      { run: 'b', until: 300 },
      { run: 'a', until: 250 },
    ]);
  });

  it('are no runs that are drawn themselves, and none that are gone', () => {
    expect(ghostsOf(['b', 'a'], find)).toEqual([]);
    const orphan = (name: string) => (name === 'x' ? run('x', 'gone') : undefined);
    expect(ghostsOf(['x'], orphan)).toEqual([]);
  });

  it('end at their step', () => {
    const series = seriesOf([10, 20, 30], [1, 2, 3]);
    expect([...seriesUntil(series, 20).raw.values]).toEqual([1, 2]);
    expect([...seriesUntil(series, 29).x]).toEqual([10, 20]);
    expect(seriesUntil(series, 99).x.length).toBe(3);
    expect(seriesUntil(series, 5).x.length).toBe(0);
  });
});
