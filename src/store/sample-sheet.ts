import { decode, encode } from 'fast-png';
import { z } from 'zod';
import { subscriptions } from '@shared/protocol/contract';
import { ndarray } from '@shared/maths/ndarray';
import type { NdArray } from '@shared/maths/ndarray';
import type { Samples } from './port';

/** Images in a row of the sheet. */
const COLUMNS = 8;
/** The PNG text chunk (tEXt, Latin-1) that holds the settings as JSON. */
const KEYWORD = 'protodiff';
/** 256 images of 512 x 512 RGB, the most that a configuration allows. */
const MAX_BYTES = 256 * 512 * 512 * 3;

const Geometry = z.object({
  images: z.number().int().positive(),
  height: z.number().int().positive(),
  width: z.number().int().positive(),
  channels: z.union([z.literal(1), z.literal(3)]),
  columns: z.number().int().positive(),
});
type Geometry = z.infer<typeof Geometry>;

const Chunk = z.object({ settings: subscriptions.samples.event.shape.settings, grid: Geometry });

/**
 * One PNG of all images side by side, without gaps, so that it reads back exactly; what the last
 * row lacks is black.
 * @param samples  images [N, H, W, C] u8, C = 1 or 3, N at least 1
 */
export function encodeSheet({ settings, images }: Samples): Uint8Array {
  const [count = 0, height = 0, width = 0, channels = 0] = images.shape;
  const grid = Geometry.parse({
    images: count,
    height,
    width,
    channels,
    columns: Math.min(count, COLUMNS),
  });
  const data = new Uint8Array(sheetHeight(grid) * sheetWidth(grid) * channels);
  eachLine(grid, (inImages, inSheet, bytes) => {
    data.set(images.data.subarray(inImages, inImages + bytes), inSheet);
  });
  return encode({
    width: sheetWidth(grid),
    height: sheetHeight(grid),
    data,
    channels,
    depth: 8,
    text: { [KEYWORD]: ascii(JSON.stringify({ settings, grid })) },
  });
}

/** @throws Error saying what is wrong */
export function decodeSheet(bytes: Uint8Array): Samples {
  // Width and height stand in the header, before anything that is inflated.
  if (bytes.byteLength < 33) throw new Error('it is too short');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const pixels = view.getUint32(16) * view.getUint32(20);
  if (pixels > MAX_BYTES) throw new Error(`it claims ${pixels} pixels`);
  const png = decode(bytes, { checkCrc: true });
  const text = png.text[KEYWORD];
  if (text === undefined) throw new Error('it holds no settings');
  const { settings, grid } = Chunk.parse(JSON.parse(text));
  const whole =
    png.width === sheetWidth(grid) &&
    png.height === sheetHeight(grid) &&
    png.channels === grid.channels &&
    png.depth === 8;
  if (!whole) throw new Error('its size is not that of its settings');
  return { settings, images: cut(grid, png.data) };
}

function cut(grid: Geometry, sheet: ArrayLike<number>): NdArray<Uint8Array> {
  const { images, height, width, channels } = grid;
  const pixels = Uint8Array.from(sheet);
  const data = new Uint8Array(images * height * width * channels);
  eachLine(grid, (inImages, inSheet, bytes) => {
    data.set(pixels.subarray(inSheet, inSheet + bytes), inImages);
  });
  return ndarray(data, [images, height, width, channels]);
}

/** Calls `line` for each row of pixels of each image: byte offsets in both, and how many bytes. */
function eachLine(
  grid: Geometry,
  line: (inImages: number, inSheet: number, bytes: number) => void,
): void {
  const bytes = grid.width * grid.channels;
  const stride = bytes * grid.columns;
  for (let n = 0; n < grid.images; n++) {
    const top = Math.floor(n / grid.columns) * grid.height;
    const left = (n % grid.columns) * bytes;
    for (let y = 0; y < grid.height; y++) {
      line((n * grid.height + y) * bytes, (top + y) * stride + left, bytes);
    }
  }
}

function sheetWidth(grid: Geometry): number {
  return grid.width * grid.columns;
}

function sheetHeight(grid: Geometry): number {
  return grid.height * Math.ceil(grid.images / grid.columns);
}

/** JSON with everything beyond ASCII escaped, as the chunk's Latin-1 needs. */
function ascii(json: string): string {
  return json.replace(
    /[\u0080-\uffff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
