/** Of the images at most this share is held out, so that a small folder keeps enough to train on. */
const MOST = 1 / 5;

/** How many of `images` are never trained on, where `validation` are asked for. */
export function heldOut(images: number, validation: number): number {
  return Math.min(validation, Math.floor(images * MOST));
}
