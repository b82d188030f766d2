import { ndarray } from '@shared/maths/ndarray';
import type { NdArray } from '@shared/maths/ndarray';

/**
 * Between our layout (images NHWC, kernels HWIO) and the reference's (NCHW, OIHW). Both
 * directions permute [a, b, c, d]; 0-, 1- and 2-d arrays are the same in both.
 */
function permute4(
  array: NdArray<Float32Array>,
  order: readonly [number, number, number, number],
): NdArray<Float32Array> {
  const extents = order.map((axis) => array.shape[axis] ?? 0);
  const strides = [0, 0, 0, 1];
  for (let axis = 2; axis >= 0; axis--) {
    strides[axis] = (strides[axis + 1] ?? 0) * (array.shape[axis + 1] ?? 0);
  }
  const [s0 = 0, s1 = 0, s2 = 0, s3 = 0] = order.map((axis) => strides[axis] ?? 0);
  const [n0 = 0, n1 = 0, n2 = 0, n3 = 0] = extents;
  const out = new Float32Array(array.data.length);
  let to = 0;
  for (let i = 0; i < n0; i++)
    for (let j = 0; j < n1; j++)
      for (let k = 0; k < n2; k++)
        for (let l = 0; l < n3; l++) {
          out[to++] = array.data[i * s0 + j * s1 + k * s2 + l * s3] ?? NaN;
        }
  return ndarray(out, extents);
}

/** float32 values in a line of the processor's cache, 64 bytes. */
const LINE = 16;

const is4d = (array: NdArray): boolean => array.shape.length === 4;

/**
 * A weight from our layout to the reference's: HWIO → OIHW.
 * @param out  what is written into, as long as the weight; the result lies in it
 */
export function weightToReference(
  array: NdArray<Float32Array>,
  out = new Float32Array(array.data.length),
): NdArray<Float32Array> {
  const { data } = array;
  if (!is4d(array)) {
    out.set(data);
    return ndarray(out, array.shape);
  }
  const [height = 0, width = 0, inputs = 0, outputs = 0] = array.shape;
  const taps = height * width;
  // As permute4 with [3, 2, 0, 1], which a checkpoint does to all it has: a line of the cache at a
  // time is twice as fast.
  for (let first = 0; first < outputs; first += LINE) {
    const end = Math.min(outputs, first + LINE);
    for (let i = 0; i < inputs; i++)
      for (let o = first; o < end; o++) {
        let to = (o * inputs + i) * taps;
        for (let from = i * outputs + o; from < data.length; from += inputs * outputs)
          out[to++] = data[from] ?? NaN;
      }
  }
  return ndarray(out, [outputs, inputs, height, width]);
}

/** A weight from the reference's layout to ours: OIHW → HWIO. */
export function weightFromReference(array: NdArray<Float32Array>): NdArray<Float32Array> {
  return is4d(array) ? permute4(array, [2, 3, 1, 0]) : array;
}

/** Images or feature maps, NCHW → NHWC. */
export function imagesFromReference(array: NdArray<Float32Array>): NdArray<Float32Array> {
  return is4d(array) ? permute4(array, [0, 2, 3, 1]) : array;
}

/** Images or feature maps, NHWC → NCHW. */
export function imagesToReference(array: NdArray<Float32Array>): NdArray<Float32Array> {
  return is4d(array) ? permute4(array, [0, 3, 1, 2]) : array;
}
