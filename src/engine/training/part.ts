import * as tf from '@tensorflow/tfjs';
import type { Phase } from '../diffusion/loss';
import type { FlatLayout } from '../nn/flat';

/** The parameters that a phase trains: a run of the layout, and so of the flat vector. */
export interface Part {
  /** Index of the first parameter and of the one after the last. */
  first: number;
  end: number;
  /** [total] → what the phase trains of it */
  cut(flat: tf.Tensor): tf.Tensor;
  /** The flat vector with what the phase trains replaced. */
  paste(flat: tf.Tensor, piece: tf.Tensor): tf.Tensor;
}

/** Encoder and prototypes come first in the layout (see parameterSpecs), the UNet after them. */
export function partOf(layout: FlatLayout, phase: Phase): Part {
  const border = layout.names.filter((name) => name.startsWith('prototype.')).length;
  const first = phase === 'unet' ? border : 0;
  const end = phase === 'prototypes' ? border : layout.names.length;
  const sum = (from: number, to: number): number =>
    layout.sizes.slice(from, to).reduce((total, size) => total + size, 0);
  const before = sum(0, first);
  const size = sum(first, end);
  const after = layout.total - before - size;
  if (size === layout.total) return { first, end, cut: (flat) => flat, paste: (_, piece) => piece };
  return {
    first,
    end,
    cut: (flat) => tf.slice(flat, [before], [size]),
    paste: (flat, piece) =>
      tf.concat(
        [
          ...(before > 0 ? [tf.slice(flat, [0], [before])] : []),
          piece,
          ...(after > 0 ? [tf.slice(flat, [before + size], [after])] : []),
        ],
        0,
      ),
  };
}
