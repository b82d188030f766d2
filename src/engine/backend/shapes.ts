import { DT } from './graph';

/** What is known of a tensor that was never computed. */
export interface Abstract {
  shape: readonly number[];
  /** TensorFlow's number of it, see DT. */
  dtype: number;
  /** Of an integer constant, e.g. the axes of a sum; nothing else has values. */
  values?: readonly number[];
}
export interface OpAttr {
  name: string;
  type: number;
  value: unknown;
}

type Rule = (inputs: readonly Abstract[], attr: (name: string) => unknown) => Abstract | Abstract[];

const same: Rule = (inputs) => of(inputs, 0);
const sameShape =
  (dtype: number): Rule =>
  (inputs) => ({ shape: of(inputs, 0).shape, dtype });
/** The shape is the values of input `index`, an integer constant. */
const shapeIn =
  (index: number, dtypeOf: number): Rule =>
  (inputs) => ({ shape: valuesOf(inputs, index), dtype: of(inputs, dtypeOf).dtype });

/**
 * The result of every operation that our functions use, from its inputs' shapes. An operation is
 * one line here; the test beside trace.ts compares each with what TensorFlow gives.
 */
const SHAPES: Record<string, Rule> = {
  ...each('Abs Ceil Elu Erf Exp Expm1 Floor Identity Log Log1p Neg OnesLike Reciprocal', same),
  ...each('Relu Relu6 Round Rsqrt Selu Sigmoid Sign Sin Cos Softmax LogSoftmax Softplus', same),
  ...each('Sqrt Square Tanh ZerosLike ReluGrad SigmoidGrad TanhGrad RsqrtGrad BiasAdd', same),
  ...each('Add AddV2 Sub Mul Div RealDiv DivNoNan FloorDiv FloorMod Maximum Minimum', broadcast),
  ...each('Pow SquaredDifference', broadcast),
  ...each('Equal NotEqual Greater GreaterEqual Less LessEqual LogicalAnd LogicalOr', (inputs) => ({
    ...broadcast(inputs),
    dtype: DT.bool,
  })),
  ...each('LogicalNot IsNan IsInf IsFinite', sameShape(DT.bool)),
  ...each('Sum Mean Max Min Prod Any All', reduce),
  ...each('ArgMax ArgMin', (inputs) => ({
    shape: without(of(inputs, 0).shape, valuesOf(inputs, 1)),
    dtype: DT.int32,
  })),
  ...each('ResizeNearestNeighbor ResizeBilinear ResizeNearestNeighborGrad', (inputs) => {
    const { shape, dtype } = of(inputs, 0);
    return { shape: [at(shape, 0), ...valuesOf(inputs, 1), at(shape, 3)], dtype };
  }),
  AddN: same,
  BatchMatMulV2: (inputs, attr) => matMul(inputs, attr('adj_x'), attr('adj_y')),
  BiasAddGrad: (inputs) => ({
    shape: of(inputs, 0).shape.slice(-1),
    dtype: of(inputs, 0).dtype,
  }),
  Cast: (inputs, attr) => ({ shape: of(inputs, 0).shape, dtype: attr('DstT') as number }),
  ConcatV2: concat,
  Conv2D: conv2d,
  Conv2DBackpropFilter: shapeIn(1, 0),
  Conv2DBackpropInput: shapeIn(0, 1),
  ExpandDims: (inputs) => {
    const { shape, dtype } = of(inputs, 0);
    const [dim = 0] = valuesOf(inputs, 1);
    const place = dim < 0 ? dim + shape.length + 1 : dim;
    return { shape: [...shape.slice(0, place), 1, ...shape.slice(place)], dtype };
  },
  Fill: shapeIn(0, 1),
  MatMul: (inputs, attr) => matMul(inputs, attr('transpose_a'), attr('transpose_b')),
  OneHot: (inputs) => ({
    shape: [...of(inputs, 0).shape, ...valuesOf(inputs, 1)],
    dtype: of(inputs, 2).dtype,
  }),
  Pack: (inputs, attr) => {
    const { shape, dtype } = of(inputs, 0);
    const axis = attr('axis') as number;
    return { shape: [...shape.slice(0, axis), inputs.length, ...shape.slice(axis)], dtype };
  },
  PadV2: (inputs) => {
    const { shape, dtype } = of(inputs, 0);
    const pads = valuesOf(inputs, 1);
    return {
      shape: shape.map((size, axis) => size + at(pads, 2 * axis) + at(pads, 2 * axis + 1)),
      dtype,
    };
  },
  Reshape: shapeIn(1, 0),
  ReverseV2: same,
  Select: (inputs) => of(inputs, 1),
  SelectV2: (inputs) => broadcast(inputs.slice(1)),
  Slice: shapeIn(2, 0),
  SplitV: (inputs) => {
    const { shape, dtype } = of(inputs, 0);
    const [axis = 0] = valuesOf(inputs, 2);
    return valuesOf(inputs, 1).map((size) => ({ shape: resized(shape, axis, size), dtype }));
  },
  TensorScatterUpdate: same,
  Tile: (inputs) => {
    const { shape, dtype } = of(inputs, 0);
    const times = valuesOf(inputs, 1);
    return { shape: shape.map((size, axis) => size * at(times, axis)), dtype };
  },
  Transpose: (inputs) => {
    const { shape, dtype } = of(inputs, 0);
    return { shape: valuesOf(inputs, 1).map((axis) => at(shape, axis)), dtype };
  },
  Unpack: (inputs, attr) => {
    const { shape, dtype } = of(inputs, 0);
    const rest = without(shape, [attr('axis') as number]);
    return Array.from({ length: attr('num') as number }, () => ({ shape: rest, dtype }));
  },
};

/**
 * Shapes and dtypes of an operation's results.
 * @throws Error for an operation that is not in the table, or whose shape hangs on values
 */
export function shapesOf(
  op: string,
  attrs: readonly OpAttr[],
  inputs: readonly Abstract[],
): Abstract[] {
  const rule = SHAPES[op];
  if (rule === undefined) {
    throw new Error(
      `cannot capture ${op}: the shape of its result is not known; add a line for it to SHAPES in engine/backend/shapes.ts`,
    );
  }
  try {
    const result = rule(inputs, (name) => attrs.find((attr) => attr.name === name)?.value);
    return Array.isArray(result) ? result : [result];
  } catch (thrown) {
    const given = inputs.map(({ shape }) => `[${shape.join(', ')}]`).join(', ');
    throw new Error(
      `cannot capture ${op} of ${given}: ${thrown instanceof Error ? thrown.message : String(thrown)}`,
      { cause: thrown },
    );
  }
}

function each(names: string, rule: Rule): Record<string, Rule> {
  return Object.fromEntries(names.split(' ').map((name) => [name, rule]));
}

function of(inputs: readonly Abstract[], index: number): Abstract {
  const input = inputs[index];
  if (input === undefined) throw new Error(`it has no input ${index}`);
  return input;
}

function valuesOf(inputs: readonly Abstract[], index: number): readonly number[] {
  const { values } = of(inputs, index);
  if (values === undefined) throw new Error(`input ${index} has to be an integer constant`);
  return values;
}

function at(shape: readonly number[], axis: number): number {
  const size = shape.at(axis);
  if (size === undefined) throw new Error(`there is no axis ${axis}`);
  return size;
}

function resized(shape: readonly number[], axis: number, size: number): number[] {
  return shape.map((old, index) => (index === axis ? size : old));
}

function without(shape: readonly number[], axes: readonly number[]): number[] {
  const gone = axes.map((axis) => (axis < 0 ? axis + shape.length : axis));
  return shape.filter((_, axis) => !gone.includes(axis));
}

function broadcast(inputs: readonly Abstract[]): Abstract {
  const a = of(inputs, 0);
  const b = of(inputs, 1);
  const rank = Math.max(a.shape.length, b.shape.length);
  return { shape: broadcastShape(a.shape, b.shape, rank), dtype: a.dtype };
}

function broadcastShape(a: readonly number[], b: readonly number[], rank: number): number[] {
  return Array.from({ length: rank }, (_, i) => {
    const p = a[a.length - rank + i] ?? 1;
    const q = b[b.length - rank + i] ?? 1;
    if (p !== q && p !== 1 && q !== 1) throw new Error('the shapes do not fit');
    return p === 1 ? q : p;
  });
}

function reduce(inputs: readonly Abstract[], attr: (name: string) => unknown): Abstract {
  const { shape, dtype } = of(inputs, 0);
  const axes = valuesOf(inputs, 1);
  const rest = without(shape, axes);
  if (attr('keep_dims') !== true) return { shape: rest, dtype };
  const summed = axes.map((axis) => (axis < 0 ? axis + shape.length : axis));
  return { shape: shape.map((size, axis) => (summed.includes(axis) ? 1 : size)), dtype };
}

function matMul(inputs: readonly Abstract[], adjoinA: unknown, adjoinB: unknown): Abstract {
  const a = of(inputs, 0);
  const b = of(inputs, 1);
  const rows = at(a.shape, adjoinA === true ? -1 : -2);
  const columns = at(b.shape, adjoinB === true ? -2 : -1);
  if (at(a.shape, adjoinA === true ? -2 : -1) !== at(b.shape, adjoinB === true ? -1 : -2)) {
    throw new Error('the shapes do not fit');
  }
  const [p, q] = [a.shape.slice(0, -2), b.shape.slice(0, -2)];
  const batch = broadcastShape(p, q, Math.max(p.length, q.length));
  return { shape: [...batch, rows, columns], dtype: a.dtype };
}

function concat(inputs: readonly Abstract[]): Abstract {
  const { shape, dtype } = of(inputs, 0);
  const [given = 0] = valuesOf(inputs, inputs.length - 1);
  const axis = given < 0 ? given + shape.length : given;
  const size = inputs.slice(0, -1).reduce((sum, input) => sum + at(input.shape, axis), 0);
  return { shape: resized(shape, axis, size), dtype };
}

/** NHWC with filters [kh, kw, in, out]. */
function conv2d(inputs: readonly Abstract[], attr: (name: string) => unknown): Abstract {
  if (attr('data_format') !== 'NHWC') throw new Error('only NHWC is known');
  const { shape, dtype } = of(inputs, 0);
  const filter = of(inputs, 1).shape;
  const pads = attr('explicit_paddings') as number[] | undefined;
  const along = (axis: 1 | 2): number => {
    const stride = at(attr('strides') as number[], axis);
    const reach = (at(filter, axis - 1) - 1) * at(attr('dilations') as number[], axis) + 1;
    if (attr('padding') === 'SAME') return Math.ceil(at(shape, axis) / stride);
    const added = pads ? at(pads, 2 * axis) + at(pads, 2 * axis + 1) : 0;
    return Math.floor((at(shape, axis) + added - reach) / stride) + 1;
  };
  return { shape: [at(shape, 0), along(1), along(2), at(filter, 3)], dtype };
}
