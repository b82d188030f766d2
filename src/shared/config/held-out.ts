import type { RunConfig } from './run-config';

/** Of the images at most this share is held out, so that a small folder keeps enough to train on. */
const MOST = 1 / 5;

/** How many of `images` are never trained on, where `validation` are asked for. */
export function heldOut(images: number, validation: number): number {
  return Math.min(validation, Math.floor(images * MOST));
}

/** Images that a validation measures at most where none is held out. */
const MOST_TRAINED = 256;

/** How many images a validation of a set of `images` measures, and whether they are held out. */
export function measuredOn(
  images: number,
  { data, training }: Pick<RunConfig, 'data' | 'training'>,
): { count: number; held: boolean } {
  const held = heldOut(images, data.validation);
  const available = held > 0 ? held : Math.min(images, MOST_TRAINED);
  return { count: Math.min(available, training.validate_images), held: held > 0 };
}
