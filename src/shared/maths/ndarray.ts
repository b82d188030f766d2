/** Dense row-major array: what crosses processes and files in place of a framework's tensor. */
export interface NdArray<T extends NdData = NdData> {
  dtype: DType;
  /** Extents, outermost first; [] is a scalar. product(shape) === data.length. */
  shape: readonly number[];
  data: T;
}

export type NdData = Float32Array | Float64Array | Int32Array | Uint8Array;
export type DType = 'f32' | 'f64' | 'i32' | 'u8';

export const BYTES_PER_ITEM: Record<DType, number> = { f32: 4, f64: 8, i32: 4, u8: 1 };

/** Wraps a typed array, deriving the dtype; throws RangeError when shape and length differ. */
export function ndarray<T extends NdData>(data: T, shape: readonly number[]): NdArray<T> {
  if (sizeOf(shape) !== data.length) {
    throw new RangeError(`shape [${shape.join(', ')}] does not hold ${data.length} items`);
  }
  return { dtype: dtypeOf(data), shape, data };
}

export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, extent) => product * extent, 1);
}

function dtypeOf(data: NdData): DType {
  if (data instanceof Float32Array) return 'f32';
  if (data instanceof Float64Array) return 'f64';
  if (data instanceof Int32Array) return 'i32';
  return 'u8';
}

export function isNdArray(value: unknown): value is NdArray {
  if (typeof value !== 'object' || value === null) return false;
  const { data, shape } = value as Partial<NdArray>;
  return (
    Array.isArray(shape) &&
    (data instanceof Float32Array ||
      data instanceof Float64Array ||
      data instanceof Int32Array ||
      data instanceof Uint8Array)
  );
}
