import { z } from 'zod';
import { isNdArray } from '../maths/ndarray';
import type { NdArray, NdData } from '../maths/ndarray';

/** An array field; it may stand at the top level of a body only. */
export const array = <T extends NdData>(): z.ZodType<NdArray<T>> =>
  z.custom<NdArray<T>>(isNdArray, 'expected an array');

export const RunId = z.string().regex(/^[0-9a-z][0-9a-z-]{0,80}$/, 'not a run id');
export const step = z.number().int().nonnegative();

/** How far a piece of work is that lives as long as its subscription. */
export const progress = {
  /** `waiting`: other work is being done first. */
  phase: z.enum(['waiting', 'working', 'done']),
  /** Pieces of work, one network call each. */
  done: z.number().int().nonnegative(),
  total: z.number().int().nonnegative(),
  /** Seconds of work still to come; null until it can be told. */
  eta_s: z.number().nullable(),
  /** Seconds since the work began. */
  seconds: z.number(),
};
