import { ndarray } from '@shared/maths/ndarray';
import type { NdArray } from '@shared/maths/ndarray';

const STROKES = [
  '1110111',
  '0010010',
  '1011101',
  '1011011',
  '0111010',
  '1101011',
  '1101111',
  '1010010',
  '1111111',
  '1111011',
];

/** Seven-segment figures with noise: nothing that could be taken for a result. */
export function drawn(n: number, channels: number, noise: number): NdArray<Uint8Array> {
  const size = 32;
  const data = new Uint8Array(n * size * size * channels);
  const inside = (segment: number, x: number, y: number): boolean => {
    const boxes = [
      [9, 5, 22, 8],
      [8, 6, 11, 16],
      [20, 6, 23, 16],
      [9, 14, 22, 17],
      [8, 15, 11, 26],
      [20, 15, 23, 26],
      [9, 23, 22, 26],
    ];
    const [x0 = 0, y0 = 0, x1 = 0, y1 = 0] = boxes[segment] ?? [];
    return x >= x0 && x <= x1 && y >= y0 && y <= y1;
  };
  for (let k = 0; k < n; k++) {
    const segments = STROKES[k % 10] ?? '';
    for (let y = 0; y < size; y++) {
      for (let x = 0; x < size; x++) {
        const lit = [...segments].some((on, segment) => on === '1' && inside(segment, x, y));
        for (let c = 0; c < channels; c++) {
          const grain = hash(k * 7919 + y * 613 + x * 31 + c);
          const value = (lit ? 235 - c * 60 * (k % 3) : 8) * (1 - noise) + grain * 255 * noise;
          data[((k * size + y) * size + x) * channels + c] = value;
        }
      }
    }
  }
  return ndarray(data, [n, size, size, channels]);
}

export function hash(n: number): number {
  const x = Math.sin(n * 12.9898) * 43758.5453;
  return x - Math.floor(x);
}
