import { describe, expect, it } from 'vitest';
import { DT, type } from './graph';
import type { GraphNode } from './graph';
import { peakOf } from './reserve';

const node = (
  name: string,
  op: string,
  input: string[],
  dtype: number = DT.float32,
): GraphNode => ({
  ...{ name, op, input },
  attr: { T: type(dtype) },
});

describe('peakOf', () => {
  it('counts a result from where it is computed to its last consumer', () => {
    const nodes = [
      node('x', 'Placeholder', []),
      node('a', 'Relu', ['x']),
      node('b', 'Relu', ['a']),
      node('c', 'Add', ['b', 'a']),
      node('d', 'Relu', ['c']),
      node('e', 'Relu', ['d']),
    ];
    const elements = new Map([...'xabcde'].map((name) => [name, 100]));
    // a, b and c at once; never more afterwards.
    expect(peakOf(nodes, elements)).toBe(3 * 400);
  });

  it('keeps what a view shares, and takes half for bfloat16', () => {
    const nodes = [
      node('x', 'Placeholder', []),
      node('a', 'Relu', ['x']),
      node('view', 'Reshape', ['a']),
      node('b', 'Cast', ['x'], DT.bfloat16),
      node('c', 'Relu', ['b', '^view'], DT.bfloat16),
      node('d', 'Add', ['c', 'view']),
      node('end', 'Identity', ['d']),
    ];
    const elements = new Map([...'xacd'].map((name) => [name, 100]));
    // a through its view, c and d; b took the elements of x.
    expect(peakOf(nodes, elements)).toBe(400 + 200 + 400);
  });
});
