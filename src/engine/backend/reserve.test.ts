import { totalmem } from 'node:os';
import { describe, expect, it } from 'vitest';
import type { NativeBackend } from './binding';
import { DT, type } from './graph';
import type { GraphNode } from './graph';
import { peakOf, reserve } from './reserve';

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

describe('reserve', () => {
  /** The extents of what it asks TensorFlow for; what is left of it is counted. */
  function asked(bytes: number, gpu = false): { extents: number[]; left: number } {
    let extents: number[] = [];
    const left = new Set<number>();
    const binding = {
      isUsingGpuDevice: () => gpu,
      createTensor: (_shape: number[], _dtype: number, values: Int32Array) => {
        extents = [...values];
        left.add(1);
        return 1;
      },
      executeOp: () => {
        left.add(2);
        return [{ id: 2, shape: extents, dtype: DT.float32 }];
      },
      deleteTensor: (id: number) => void left.delete(id),
    };
    reserve({ binding } as unknown as NativeBackend, bytes);
    return { extents, left: left.size };
  }

  it('asks for a quarter more in rows of 4 MB, and keeps none of it', () => {
    expect(asked(2 ** 28)).toEqual({ extents: [80, 2 ** 20], left: 0 });
  });

  it('asks for nothing where it is little, more than half of the memory, or on a GPU', () => {
    expect(asked(2 ** 20).extents).toEqual([]);
    expect(asked(totalmem() / 2).extents).toEqual([]);
    expect(asked(2 ** 28, true).extents).toEqual([]);
  });
});
