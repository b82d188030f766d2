import { z } from 'zod';
import { isNdArray } from '../maths/ndarray';
import type { NdArray, NdData } from '../maths/ndarray';

/** An array field; it may stand at the top level of a body only. */
export const array = <T extends NdData>(): z.ZodType<NdArray<T>> =>
  z.custom<NdArray<T>>(isNdArray, 'expected an array');

export const RunId = z.string().regex(/^[0-9a-z][0-9a-z-]{0,80}$/, 'not a run id');
export const step = z.number().int().nonnegative();
