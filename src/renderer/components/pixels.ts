import type { NdArray } from '@shared/maths/ndarray';

/** One image of a batch as RGBA; grey is spread to three channels. */
export interface Picture {
  width: number;
  height: number;
  rgba: Uint8ClampedArray<ArrayBuffer>;
}

/** @param images [N, H, W, C] u8, C = 1 or 3 */
export function pictureAt(images: NdArray<Uint8Array>, index: number): Picture {
  const [n = 0, height = 0, width = 0, channels = 1] = images.shape;
  if (index < 0 || index >= n) throw new RangeError(`image ${index} of ${n}`);
  const size = height * width;
  const rgba = new Uint8ClampedArray(size * 4);
  const from = index * size * channels;
  for (let i = 0; i < size; i++) {
    for (let c = 0; c < 3; c++) {
      rgba[i * 4 + c] = images.data[from + i * channels + Math.min(c, channels - 1)] ?? 0;
    }
    rgba[i * 4 + 3] = 255;
  }
  return { width, height, rgba };
}

export function pictures(images: NdArray<Uint8Array>, most = Infinity): Picture[] {
  const n = Math.min(images.shape[0] ?? 0, most);
  return Array.from({ length: n }, (_, index) => pictureAt(images, index));
}

/**
 * Whole device pixels for each image pixel, so that nothing is ever blurred: the largest scale at
 * which `columns` tiles with `gap` fit the width, in CSS pixels; at least one device pixel.
 */
export function tileEdge(
  edge: number,
  columns: number,
  gap: number,
  available: number,
  deviceRatio: number,
): number {
  const room = (available - gap * (columns - 1)) / columns;
  const scale = Math.max(1, Math.floor((room * deviceRatio) / edge + 1e-6));
  return (scale * edge) / deviceRatio;
}

/** The column count with the largest tiles whose rows, all full, stay within `height`. */
export function bestColumns(
  count: number,
  edge: number,
  gap: number,
  available: number,
  height: number,
  deviceRatio: number,
): number {
  let best = { columns: count, tile: 0 };
  for (let columns = 1; columns <= count; columns++) {
    if (count % columns !== 0) continue;
    const tile = tileEdge(edge, columns, gap, available, deviceRatio);
    const wide = columns * tile + gap * (columns - 1);
    const rows = count / columns;
    const high = rows * tile + gap * (rows - 1);
    if (wide <= available + 0.5 && high <= height && tile >= best.tile) best = { columns, tile };
  }
  return best.tile > 0 ? best.columns : Math.max(1, Math.floor(available / (edge + gap)));
}
