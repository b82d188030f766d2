import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import type { Picture } from '../../../components/pixels';
import { GifFile } from './gif';
import { delaysOf, frameOf } from './stage';
import type { Scene } from './stage';
import { animatedWebp, xmpOf } from './webp';

/** Three rows of 8 x 8 that brighten from column to column. */
const tile = (value: number): Picture => {
  const rgba = new Uint8ClampedArray(8 * 8 * 4).fill(value);
  for (let i = 3; i < rgba.length; i += 4) rgba[i] = 255;
  return { width: 8, height: 8, rgba };
};
const scene: Scene = {
  columns: [10, 100, 200].map((value) => [tile(value), tile(value + 20), tile(value + 40)]),
  ground: [255, 255, 255],
};
const delays = delaysOf(3);
const settings = JSON.stringify({ trajectories: { run: 'r', "it's": 'a <b> & "c"' } });

/** The red value in the middle of a row's tile on a page. */
async function valueAt(file: Uint8Array, page: number, x: number, y: number): Promise<number> {
  const { data, info } = await sharp(file, { page }).raw().toBuffer({ resolveWithObject: true });
  return data[(y * info.width + x) * info.channels] ?? NaN;
}

describe('an animation of trajectories', () => {
  it('shows the rows near a square, enlarged by whole pixels', () => {
    const frame = frameOf(scene, 1);
    expect([frame.width, frame.height]).toEqual([17 * 16, 17 * 16]);
    const at = (x: number, y: number): number => frame.rgba[(y * frame.width + x) * 4] ?? NaN;
    expect([at(0, 0), at(127, 127), at(130, 0), at(150, 5), at(5, 150)]).toEqual([
      ...[100, 100, 255, 120, 140],
    ]);
    expect(at(200, 200)).toBe(255);
  });

  it('is a GIF that others read: frames, delays, endless, the settings in a comment', async () => {
    const gif = new GifFile();
    scene.columns.forEach((_, c) => gif.add(frameOf(scene, c), delays[c] ?? 0));
    const file = gif.finish(settings);
    const read = await sharp(file, { animated: true }).metadata();
    expect([read.format, read.pages, read.width, read.pageHeight]).toEqual(['gif', 3, 272, 272]);
    expect(read.delay).toEqual(delays);
    expect(read.loop).toBe(0);
    expect(await valueAt(file, 0, 8, 8)).toBe(10);
    expect(await valueAt(file, 2, 8, 200)).toBe(240);
    expect(Buffer.from(file).toString('latin1')).toContain(settings);
  });

  it('is a WebP that others read, without loss, the settings in its XMP', async () => {
    const stills = await Promise.all(
      scene.columns.map(async (_, c) => {
        const { width, height, rgba } = frameOf(scene, c);
        const raw = { width, height, channels: 4 as const };
        const still = await sharp(Buffer.from(rgba), { raw }).webp({ lossless: true }).toBuffer();
        return { file: new Uint8Array(still), delay: delays[c] ?? 0 };
      }),
    );
    const file = animatedWebp(272, 272, stills, xmpOf(settings));
    const read = await sharp(file, { animated: true }).metadata();
    expect([read.format, read.pages, read.width, read.pageHeight]).toEqual(['webp', 3, 272, 272]);
    expect(read.delay).toEqual(delays);
    expect(read.loop).toBe(0);
    expect(await valueAt(file, 1, 8, 8)).toBe(100);
    expect(await valueAt(file, 2, 8, 200)).toBe(240);
    const quoted = /protodiff:settings="([^"]*)"/.exec(read.xmp?.toString('utf8') ?? '')?.[1];
    const text = quoted
      ?.replace(/&quot;/g, '"')
      .replace(/&lt;/g, '<')
      .replace(/&amp;/g, '&');
    expect(text).toBe(settings);
  });

  it('refuses a frame that is no WebP', () => {
    expect(() => animatedWebp(1, 1, [{ file: new Uint8Array(40), delay: 1 }], '')).toThrow(
      /not encoded as WebP/,
    );
  });
});
