import { encode } from 'fast-png';
import type { Picture } from './pixels';

/** The text chunk (tEXt) that holds what a picture was made with, as JSON. */
const KEYWORD = 'protodiff';

/** JSON with everything beyond ASCII escaped, as a text chunk's Latin-1 needs. */
export const ascii = (value: unknown): string =>
  JSON.stringify(value).replace(
    /[\u0080-\uffff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

/** An 8-bit PNG of the picture, opaque; `settings` go into its text chunk. */
export function pngOf(
  { width, height, rgba }: Picture,
  settings: unknown,
): Uint8Array<ArrayBuffer> {
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < width * height; i++) data.set(rgba.subarray(i * 4, i * 4 + 3), i * 3);
  return new Uint8Array(
    encode({ width, height, data, channels: 3, depth: 8, text: { [KEYWORD]: ascii(settings) } }),
  );
}

/** Lays pictures side by side, `gap` pixels of `ground` between them; a missing one is ground. */
export function sheetOf(
  rows: readonly (readonly (Picture | null | undefined)[])[],
  gap: number,
  ground: readonly [number, number, number],
): Picture {
  const first = rows.flat().find((picture) => picture !== null && picture !== undefined);
  const [w, h] = [first?.width ?? 1, first?.height ?? 1];
  const columns = Math.max(1, ...rows.map((row) => row.length));
  const width = columns * (w + gap) - gap;
  const height = Math.max(1, rows.length) * (h + gap) - gap;
  const rgba = new Uint8ClampedArray(width * height * 4);
  for (let i = 0; i < width * height; i++) rgba.set([...ground, 255], i * 4);
  rows.forEach((row, r) =>
    row.forEach((picture, c) => {
      if (!picture) return;
      for (let y = 0; y < h; y++) {
        for (let x = 0; x < w; x++) {
          const from = (y * w + x) * 4;
          const to = ((r * (h + gap) + y) * width + c * (w + gap) + x) * 4;
          const alpha = (picture.rgba[from + 3] ?? 255) / 255;
          for (let k = 0; k < 3; k++) {
            rgba[to + k] = (picture.rgba[from + k] ?? 0) * alpha + (ground[k] ?? 0) * (1 - alpha);
          }
        }
      }
    }),
  );
  return { width, height, rgba };
}

/** Hands a file to the person. */
export function download(name: string, bytes: Uint8Array<ArrayBuffer>, type: string): void {
  const link = document.createElement('a');
  link.download = name;
  link.href = URL.createObjectURL(new Blob([bytes], { type }));
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
