import type { RunConfig } from '@shared/config/run-config';
import { stream } from '@shared/maths/rng';
import type { Augmentation } from '../data/batch';

/** How each image of batch `counter` is mirrored, turned and moved; undefined where none is. */
export function augmentationsOf(
  { seed, data, training }: RunConfig,
  counter: number,
): Augmentation[] | undefined {
  if (!data.flip && data.shift === 0 && data.rotate === 0) return undefined;
  const flips = stream(seed, 'flip', counter);
  const shifts = stream(seed, 'shift', counter);
  const turns = stream(seed, 'rotate', counter);
  const most = (data.rotate * Math.PI) / 180;
  const shift = (): number => shifts.int(2 * data.shift + 1) - data.shift;
  return Array.from({ length: training.batch_size }, () => ({
    flip: data.flip && flips.uniform() < 0.5,
    dx: shift(),
    dy: shift(),
    angle: most === 0 ? 0 : most * (2 * turns.uniform() - 1),
  }));
}

/** [B]: 0 for the images of batch `counter` that train without their condition, else 1. */
export function keptOf({ seed, training }: RunConfig, counter: number): Float32Array {
  const { condition_dropout, batch_size } = training;
  if (condition_dropout === 0) return new Float32Array(batch_size).fill(1);
  const rng = stream(seed, 'condition', counter);
  return Float32Array.from({ length: batch_size }, () =>
    rng.uniform() < condition_dropout ? 0 : 1,
  );
}
