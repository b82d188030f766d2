import type { Picture } from '../../../components/pixels';
import { sheetOf } from '../../../components/png';

/** What an animation shows: a frame for each column, in it every row's picture. */
export interface Scene {
  /** By column, then by row; null where there is nothing. */
  columns: readonly (readonly (Picture | null)[])[];
  ground: readonly [number, number, number];
}

/** Edge of a frame at most, pixels: larger ones are heavy to look at, and to send. */
const MOST = 768;
/** Edge that a tile is enlarged towards, so that small images are seen. */
const TILE = 128;
/** How long a frame stands, ms, and the finished image before it begins again. */
const STANDS = 140;
const RESTS = 1600;

/** One frame: the rows' pictures in a grid near a square, each pixel enlarged a whole number of times. */
export function frameOf({ columns, ground }: Scene, column: number): Picture {
  const tiles = columns[column] ?? [];
  const across = Math.ceil(Math.sqrt(tiles.length));
  const edge = Math.max(1, ...tiles.map((tile) => tile?.width ?? 1));
  const scale = Math.max(1, Math.floor(Math.min(TILE, MOST / across) / edge));
  const rows: (Picture | null)[][] = [];
  for (let at = 0; at < tiles.length; at += across) rows.push(tiles.slice(at, at + across));
  return enlarged(sheetOf(rows, 1, ground), scale);
}

export function delaysOf(columns: number): number[] {
  return Array.from({ length: columns }, (_, c) => (c === columns - 1 ? RESTS : STANDS));
}

function enlarged({ width, height, rgba }: Picture, scale: number): Picture {
  const out = new Uint32Array(width * height * scale * scale);
  const from = new Uint32Array(rgba.buffer, rgba.byteOffset, width * height);
  for (let y = 0; y < height * scale; y++) {
    const line = Math.floor(y / scale) * width;
    for (let x = 0; x < width * scale; x++) {
      out[y * width * scale + x] = from[line + Math.floor(x / scale)] ?? 0;
    }
  }
  return {
    width: width * scale,
    height: height * scale,
    rgba: new Uint8ClampedArray(out.buffer),
  };
}
