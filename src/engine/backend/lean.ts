import type { Abstract } from './shapes';

/** An operation as it goes into a graph; inputs are node names. */
export interface Operation {
  op: string;
  attrs: { name: string; type: number; value: unknown }[];
  inputs: string[];
}
/** What is known of an input while tracing. */
export interface Operand extends Abstract {
  node: string;
}

/**
 * The same operation in the form that TensorFlow runs fastest. tfjs asks for general ones: a
 * product of two matrices as a batch of one (5 times slower for small matrices), a bias as a
 * broadcast sum (which is not fused into the convolution before it), the gradient of a bias as a
 * sum over all axes but the last (3 times slower). Each gives the same numbers but for rounding.
 */
export function lean(
  op: string,
  attrs: Operation['attrs'],
  operands: readonly Operand[],
): Operation {
  const inputs = operands.map(({ node }) => node);
  const [a, b] = operands;
  if (a === undefined || b === undefined) return { op, attrs, inputs };
  const isBias = b.shape.length === 1 && a.shape.length > 1 && b.shape[0] === a.shape.at(-1);
  if (op === 'BatchMatMulV2' && a.shape.length === 2 && b.shape.length === 2) {
    return { op: 'MatMul', attrs: attrs.map(asMatMul), inputs };
  }
  if ((op === 'Add' || op === 'AddV2') && isBias) {
    return { op: 'BiasAdd', attrs: attrs.filter(({ name }) => name === 'T'), inputs };
  }
  if (op === 'Sum' && sumsAllButLast(attrs, a, b)) {
    return {
      op: 'BiasAddGrad',
      attrs: attrs.filter(({ name }) => name === 'T'),
      inputs: inputs.slice(0, 1),
    };
  }
  return { op, attrs, inputs };
}

function asMatMul(attr: Operation['attrs'][number]): Operation['attrs'][number] {
  if (attr.name === 'adj_x') return { ...attr, name: 'transpose_a' };
  return attr.name === 'adj_y' ? { ...attr, name: 'transpose_b' } : attr;
}

function sumsAllButLast(attrs: Operation['attrs'], x: Operand, axes: Operand): boolean {
  const rank = x.shape.length;
  const kept = attrs.some(({ name, value }) => name === 'keep_dims' && value === true);
  return (
    !kept &&
    rank > 1 &&
    axes.values?.length === rank - 1 &&
    [...axes.values].sort((p, q) => p - q).every((axis, index) => axis === index)
  );
}
