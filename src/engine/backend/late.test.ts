import { describe, expect, it } from 'vitest';
import type { GraphNode } from './graph';
import { late } from './late';

const node = (name: string, op: string, ...input: string[]): GraphNode => ({
  ...{ name, op, input, attr: {} },
});
const LONG = 2 ** 20;

/** The inputs that `late` adds. */
function added(nodes: GraphNode[], sizes: Record<string, number>): Record<string, string[]> {
  const before = new Map(nodes.map(({ name, input }) => [name, input.length]));
  late(nodes, new Map(Object.entries(sizes)));
  return Object.fromEntries(
    nodes
      .map(({ name, input }): [string, string[]] => [name, input.slice(before.get(name))])
      .filter(([, more]) => more.length > 0),
  );
}

describe('what could be computed at once waits', () => {
  const sources = [
    node('m', 'ReadVariableOp', 'var/m'),
    node('p', 'ReadVariableOp', 'var/p'),
    node('beta', 'Const'),
    node('x', 'Placeholder'),
  ];
  const model = node('g', 'Conv2D', 'x', 'p');
  const sizes = { m: LONG, p: LONG, g: LONG, scaled: LONG, share: LONG, sum: LONG };

  it('for the gradient that it is added to', () => {
    const nodes = [
      ...sources,
      model,
      node('scaled', 'Mul', 'm', 'beta'),
      node('share', 'Mul', 'g:0', 'beta'),
      node('sum', 'Add', 'scaled', 'share'),
    ];
    expect(added(nodes, sizes)).toEqual({ scaled: ['^share'] });
  });

  it('but not when it is small, is used twice, or its partner could come at once too', () => {
    const scaled = (): GraphNode => node('scaled', 'Mul', 'm', 'beta');
    const sum = (): GraphNode => node('sum', 'Add', 'scaled', 'share');
    const share = (): GraphNode => node('share', 'Mul', 'g', 'beta');
    expect(added([...sources, model, scaled(), share(), sum()], { g: LONG, share: LONG })).toEqual(
      {},
    );
    const twice = [...sources, model, scaled(), share(), sum(), node('b', 'Neg', 'scaled')];
    expect(added(twice, sizes)).toEqual({});
    const both = [...sources, scaled(), node('share', 'Mul', 'p', 'beta'), sum()];
    expect(added(both, sizes)).toEqual({});
  });
});
