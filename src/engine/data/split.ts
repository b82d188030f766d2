import { heldOut } from '@shared/config/held-out';
import { stream } from '@shared/maths/rng';

export interface Split {
  /** Indices of the images that are trained on; null for all of them, in their own order. */
  trained: Int32Array | null;
  /** How many are trained on. */
  count: number;
  /** Indices of the images that never are, in the order of their draw. */
  held: Int32Array;
}

/**
 * Holds `validation` images out of `count`, or a fifth of them where that is fewer. The draw
 * depends on the count alone, not on the run's seed: runs that differ in their seed are judged on
 * the same images, and a larger number holds out the same ones and more.
 */
export function splitOf(count: number, validation: number): Split {
  const n = heldOut(count, validation);
  if (n === 0) return { trained: null, count, held: new Int32Array(0) };
  const order = stream(0, 'validation', 0).permutation(count);
  return { trained: order.slice(n).sort(), count: count - n, held: order.slice(0, n) };
}
