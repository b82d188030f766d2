import { decode } from 'fast-png';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ndarray } from '@shared/maths/ndarray';
import { decodeSheet, encodeSheet } from './sample-sheet';
import { SEED, seeded } from './testing/random';
import { samplesAt } from './testing/workspace';

const RUN = '20260102-030405-brisk-heron';

describe('a sheet of samples', () => {
  it('is a PNG of the images side by side, eight in a row, the rest black', () => {
    const samples = samplesAt(RUN, 3, 10, 3);
    const png = decode(encodeSheet(samples));
    expect(png).toMatchObject({ width: 8 * 16, height: 2 * 16, channels: 3, depth: 8 });
    const pixel = (x: number, y: number): number[] =>
      [0, 1, 2].map((c) => png.data[(y * png.width + x) * 3 + c] ?? -1);
    const image = (n: number, x: number, y: number): number[] =>
      [0, 1, 2].map((c) => samples.images.data[((n * 16 + y) * 16 + x) * 3 + c] ?? -1);
    expect(pixel(0, 0)).toEqual(image(0, 0, 0));
    expect(pixel(16 + 5, 7)).toEqual(image(1, 5, 7));
    expect(pixel(16 + 15, 16 + 15)).toEqual(image(9, 15, 15));
    expect(pixel(2 * 16, 16)).toEqual([0, 0, 0]);
    expect(JSON.parse(png.text.protodiff ?? '')).toMatchObject({ settings: samples.settings });
  });

  it('reads back exactly, whatever the number and size of the images', () => {
    const any = fc.record({
      count: fc.integer({ min: 1, max: 20 }),
      height: fc.integer({ min: 1, max: 20 }),
      width: fc.integer({ min: 1, max: 20 }),
      channels: fc.constantFrom(1, 3),
    });
    fc.assert(
      fc.property(any, fc.integer(), ({ count, height, width, channels }, seed) => {
        const random = seeded(seed);
        const size = count * height * width * channels;
        const data = Uint8Array.from({ length: size }, () => random(256));
        const { settings } = samplesAt(RUN, 1, count);
        const samples = { settings, images: ndarray(data, [count, height, width, channels]) };
        expect(decodeSheet(encodeSheet(samples))).toEqual(samples);
      }),
      { seed: SEED, numRuns: 50 },
    );
  });

  it('refuses images that no sheet can hold', () => {
    const { settings } = samplesAt(RUN, 1, 1);
    const none = { settings, images: ndarray(new Uint8Array(0), [0, 16, 16, 1]) };
    const two = { settings, images: ndarray(new Uint8Array(512), [1, 16, 16, 2]) };
    expect(() => encodeSheet(none)).toThrow();
    expect(() => encodeSheet(two)).toThrow();
  });

  it('is refused when cut, wherever, and when any of its bits is flipped', () => {
    const samples = samplesAt(RUN, 1, 2);
    const whole = encodeSheet(samples);
    // The last 12 bytes are the end mark, which says nothing about the picture.
    for (let length = 0; length < whole.length - 12; length++) {
      expect(() => decodeSheet(whole.subarray(0, length))).toThrow();
    }
    for (let byte = 0; byte < whole.length - 12; byte++) {
      const flipped = whole.slice();
      flipped[byte] = (flipped[byte] ?? 0) ^ (1 << (byte % 8));
      expect(() => decodeSheet(flipped)).toThrow();
    }
    expect(decodeSheet(whole)).toEqual(samples);
  });

  it('is refused before anything is inflated when it claims to be huge', () => {
    const bomb = encodeSheet(samplesAt(RUN, 1, 1));
    new DataView(bomb.buffer, bomb.byteOffset).setUint32(16, 60_000);
    new DataView(bomb.buffer, bomb.byteOffset).setUint32(20, 60_000);
    expect(() => decodeSheet(bomb)).toThrow(/claims 3600000000 pixels/);
  });
});
