import type * as tf from '@tensorflow/tfjs';

/** Parameters (and BatchNorm statistics) by their name in the reference's state dict. */
export type Params = Record<string, tf.Tensor>;

/** The tensor of that name; a missing one is a bug in the spec, so it throws by name. */
export function param<T extends tf.Tensor>(params: Params, name: string): T {
  const value = params[name];
  if (value === undefined) throw new Error(`no parameter named ${name}`);
  return value as T;
}
