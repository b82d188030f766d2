/** Plain changes of u8 images, all [N, H, W, C] row-major. */

/**
 * Adds zeros around every image.
 * @param images [count, size, size, channels]
 * @returns [count, padded, padded, channels], the image in the middle
 */
export function pad(
  images: Uint8Array,
  count: number,
  size: number,
  channels: number,
  padded: number,
): Uint8Array {
  const out = new Uint8Array(count * padded * padded * channels);
  const margin = (padded - size) >> 1;
  const row = size * channels;
  for (let n = 0; n < count; n++) {
    for (let y = 0; y < size; y++) {
      const from = (n * size + y) * row;
      const to = ((n * padded + y + margin) * padded + margin) * channels;
      out.set(images.subarray(from, from + row), to);
    }
  }
  return out;
}

/**
 * The mean of every 2 x 2 pixels, rounded half up.
 * @param images [count, size, size, channels], size even
 * @returns [count, size / 2, size / 2, channels]
 */
export function halve(
  images: Uint8Array,
  count: number,
  size: number,
  channels: number,
): Uint8Array {
  const half = size / 2;
  const out = new Uint8Array(count * half * half * channels);
  const row = size * channels;
  const at = (i: number): number => images[i] as number;
  let to = 0;
  for (let y = 0; y < count * half; y++) {
    for (let x = 0; x < half; x++) {
      for (let c = 0; c < channels; c++) {
        const i = 2 * y * row + 2 * x * channels + c;
        out[to++] = (at(i) + at(i + channels) + at(i + row) + at(i + row + channels) + 2) >> 2;
      }
    }
  }
  return out;
}

/** Grey to RGB by repetition, RGB to grey by Rec. 601 luma; returns its argument where they agree. */
export function toChannels(images: Uint8Array, from: 1 | 3, to: 1 | 3): Uint8Array {
  if (from === to) return images;
  const pixels = images.length / from;
  const out = new Uint8Array(pixels * to);
  for (let i = 0; i < pixels; i++) {
    if (to === 3) {
      out.fill(images[i] as number, 3 * i, 3 * i + 3);
    } else {
      const [r, g, b] = [images[3 * i], images[3 * i + 1], images[3 * i + 2]];
      out[i] = Math.round(0.299 * (r as number) + 0.587 * (g as number) + 0.114 * (b as number));
    }
  }
  return out;
}
