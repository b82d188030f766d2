import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import type { Sharp } from 'sharp';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { buildEntry } from './built-entry';
import { labelsOf } from './folder';
import { decodeImage, Unreadable } from './image';
import type { ImportJob, ImportProgress } from './job';
import { runImporter } from './run';

let entry: string;
let folder: string;
let cache: string;
beforeAll(async () => void (entry = await buildEntry()));
afterAll(() => rmSync(dirname(entry), { recursive: true }));
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'protodiff-folder-'));
  cache = mkdtempSync(join(tmpdir(), 'protodiff-cache-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
  rmSync(cache, { recursive: true, force: true });
});

const job = (change: Partial<ImportJob> = {}): ImportJob => ({
  kind: 'folder',
  path: folder,
  image_size: 16,
  channels: 3,
  cache,
  ...change,
});
const run = (change?: Partial<ImportJob>): ReturnType<typeof runImporter> =>
  runImporter(job(change), { entry });

type Colour = { r: number; g: number; b: number; alpha?: number };
const RED = { r: 255, g: 0, b: 0 };
const BLUE = { r: 0, g: 0, b: 255 };

function plain(colour: Colour, width = 20, height = 20): Sharp {
  const channels = colour.alpha === undefined ? 3 : 4;
  return sharp({ create: { width, height, channels, background: colour } });
}

async function put(name: string, image: Sharp | Buffer | string): Promise<string> {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  const bytes = typeof image === 'string' || Buffer.isBuffer(image) ? image : await png(image);
  writeFileSync(path, bytes);
  return path;
}
const png = (image: Sharp): Promise<Buffer> => image.png().toBuffer();

function pixel(images: Uint8Array, n: number, y: number, x: number, size = 16): number[] {
  return Array.from(images.subarray(((n * size + y) * size + x) * 3).subarray(0, 3));
}

describe('a folder of images', () => {
  it('gives subfolders as labels, in the order of code points, whatever the order on disk', async () => {
    await put('zebra/1.png', plain(RED));
    await put('ähre/1.png', plain(RED));
    await put('a b/2.png', plain(BLUE));
    await put('a/10.png', plain(RED));
    await put('a/9.png', plain(BLUE));
    const result = await run();
    expect(result.classes).toEqual(['a', 'a b', 'zebra', 'ähre']);
    expect(Array.from(result.labels ?? [])).toEqual([1, 0, 0, 2, 3]);
    expect(result).toMatchObject({ count: 5, height: 16, width: 16, channels: 3, skipped: [] });
    expect(pixel(result.images, 1, 8, 8)).toEqual([255, 0, 0]); // a/10 sorts before a/9
    expect(pixel(result.images, 2, 8, 8)).toEqual([0, 0, 255]);
  });

  it('has no labels where images lie at the top', async () => {
    await put('top.png', plain(RED));
    await put('sub/other.png', plain(RED));
    expect(await run()).toMatchObject({ count: 2, labels: null, classes: [] });
  });

  it('reads unicode names, odd extensions and no extension, by content', async () => {
    await put('図形/🦩 flamingo.PNG', plain(RED));
    await put('図形/no-extension', plain(RED));
    await put('図形/really-a-jpeg.png', await plain(RED).jpeg().toBuffer());
    await put('図形/w.webp', await plain(RED).webp({ lossless: true }).toBuffer());
    expect(await run()).toMatchObject({ count: 4, classes: ['図形'], skipped_total: 0 });
  });

  it('passes over what is no image, and says why for each', async () => {
    await put('good.png', plain(RED));
    await put('notes.png', 'This is a text file.');
    await put('empty.jpg', '');
    const cut = await sharp({
      create: {
        width: 64,
        height: 64,
        channels: 3,
        background: RED,
        noise: { type: 'gaussian', mean: 99, sigma: 40 },
      },
    })
      .png()
      .toBuffer();
    await put('cut.png', cut.subarray(0, cut.length / 2));
    const flipped = Buffer.from(cut);
    flipped[cut.length >> 1] = (flipped[cut.length >> 1] ?? 0) ^ 0xff;
    await put('flipped.png', flipped);
    await put('photo.heic', Buffer.from('\0\0\0\x18ftypheic\0\0\0\0', 'latin1'));
    await put('vector.svg', '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>');
    await put('.DS_Store', 'x');
    await put('sub/Thumbs.db', 'x');
    const { count, skipped, skipped_total } = await run();
    expect(count).toBe(1);
    const reasons = Object.fromEntries(skipped.map(({ what, reason }) => [what, reason]));
    expect(reasons).toEqual({
      'cut.png': expect.stringMatching(/^damaged or cut off \(/),
      'empty.jpg': 'it is empty',
      'flipped.png': expect.stringMatching(/^damaged or cut off \(/),
      'notes.png': 'not a PNG, JPEG, WebP or GIF image',
      'photo.heic': 'HEIC is not read: convert it to PNG',
      'vector.svg': 'not a PNG, JPEG, WebP or GIF image',
      '2 hidden files': expect.stringMatching(/ignored/),
    });
    expect(skipped_total).toBe(8);
  });

  it('lists 200 reasons at most and counts all', async () => {
    await put('good.png', plain(RED));
    for (let i = 0; i < 230; i++) await put(`${i}.txt`, 'x');
    const { skipped, skipped_total } = await run();
    expect(skipped).toHaveLength(200);
    expect(skipped_total).toBe(230);
  });

  it('follows links once: loops, dangling ones and pipes end well', async () => {
    await put('a/1.png', plain(RED));
    symlinkSync(folder, join(folder, 'a', 'loop'));
    symlinkSync(join(folder, 'nowhere'), join(folder, 'a', 'dangling.png'));
    symlinkSync('self', join(folder, 'self'));
    symlinkSync(join(folder, 'a', '1.png'), join(folder, 'a', 'again.png'));
    execFileSync('mkfifo', [join(folder, 'a', 'pipe.png')]);
    const { count, skipped } = await run();
    expect(count).toBe(2);
    expect(skipped.map(({ what }) => what).sort()).toEqual([
      'a/dangling.png',
      'a/loop',
      'a/pipe.png',
      'self',
    ]);
  });

  it('passes over what it may not open', async () => {
    const gone = decodeImage(join(folder, 'gone.png'), 16, 3);
    await expect(gone).rejects.toThrow('it cannot be opened (ENOENT)');
    await expect(gone).rejects.toBeInstanceOf(Unreadable);
  });
});

describe('pixels', () => {
  it('cuts to the middle square, then resizes', async () => {
    const wide = plain(BLUE, 60, 20).composite([
      { input: await png(plain(RED)), left: 20, top: 0 },
    ]);
    await put('wide.png', wide);
    const { images } = await run();
    expect(pixel(images, 0, 8, 1)[0]).toBeGreaterThan(240);
    expect(pixel(images, 0, 8, 14)[0]).toBeGreaterThan(240);
  });

  it('turns by EXIF, puts transparency on white, takes the first frame', async () => {
    const halves = plain(BLUE, 20, 20).composite([
      { input: await png(plain(RED, 20, 10)), left: 0, top: 0 },
    ]);
    const turned = sharp(await png(halves)).withMetadata({ orientation: 3 });
    await put('1-exif.jpg', await turned.jpeg({ quality: 100 }).toBuffer());
    await put('2-alpha.png', plain({ ...RED, alpha: 0 }));
    const frames = Buffer.concat([
      Buffer.alloc(20 * 20 * 3).fill(Buffer.from([255, 0, 0])),
      Buffer.alloc(20 * 20 * 3).fill(Buffer.from([0, 0, 255])),
    ]);
    const gif = sharp(frames, { raw: { width: 20, height: 40, channels: 3, pageHeight: 20 } });
    await put('3-animated.gif', await gif.gif({ delay: [100, 100] }).toBuffer());
    const { images, count } = await run();
    expect(count).toBe(3);
    expect(pixel(images, 0, 14, 8)[0]).toBeGreaterThan(200); // red came to the bottom
    expect(pixel(images, 0, 1, 8)[2]).toBeGreaterThan(200);
    expect(pixel(images, 1, 8, 8)).toEqual([255, 255, 255]);
    expect(pixel(images, 2, 8, 8)).toEqual([255, 0, 0]);
  });

  it('converts CMYK, 16-bit, grey and palette images to 8-bit RGB', async () => {
    await put('1-cmyk.jpg', await plain(RED).toColourspace('cmyk').jpeg().toBuffer());
    const deep = new Uint16Array(20 * 20 * 3).fill(32896); // 128 · 257
    const raw = { width: 20, height: 20, channels: 3 as const };
    await put(
      '2-deep.png',
      await sharp(deep, { raw }).toColourspace('rgb16').png({ palette: false }).toBuffer(),
    );
    await put('3-grey.png', await plain({ r: 90, g: 90, b: 90 }).greyscale().png().toBuffer());
    await put('4-palette.png', await plain(BLUE).png({ palette: true, colours: 2 }).toBuffer());
    const { images, count, skipped } = await run();
    expect([count, skipped]).toEqual([4, []]);
    const [r = 0, g = 255] = pixel(images, 0, 8, 8);
    expect(r).toBeGreaterThan(180);
    expect(g).toBeLessThan(80);
    expect(pixel(images, 1, 8, 8)).toEqual([128, 128, 128]);
    expect(pixel(images, 2, 8, 8)).toEqual([90, 90, 90]);
    expect(pixel(images, 3, 8, 8)).toEqual([0, 0, 255]);
  });

  it('gives one channel where one is asked for', async () => {
    await put('red.png', plain(RED));
    const { images, channels } = await run({ channels: 1, image_size: 32 });
    expect([channels, images.length, images[40]]).toEqual([1, 32 * 32, 76]); // 0.299 · 255
  });
});

describe('the cache', () => {
  it('is used while the files are as they were, and not after a change', async () => {
    const path = await put('a.png', plain(RED));
    const when = new Date(1_700_000_000_000); // whole seconds survive on every file system
    utimesSync(path, when, when);
    const first = await run();
    const [kept = ''] = readdirSync(cache);
    const report = readFileSync(join(cache, kept, 'report.json'), 'utf8');
    // Only a cached result can still be there once the pixels are gone.
    writeFileSync(path, Buffer.alloc(readFileSync(path).length));
    utimesSync(path, when, when);
    expect((await run()).images_sha256).toBe(first.images_sha256);
    expect(readFileSync(join(cache, kept, 'report.json'), 'utf8')).toBe(report);
    await expect(run({ image_size: 32 })).rejects.toMatchObject({ code: 'bad_data' });
    await put('b.png', plain(BLUE));
    expect((await run()).skipped).toHaveLength(1);
  });

  it.each(['images.u8', 'labels.i32', 'report.json'])(
    'reads the files again when its %s is damaged',
    async (file) => {
      await put('x/a.png', plain(RED));
      const first = await run();
      const [kept = ''] = readdirSync(cache);
      truncateSync(join(cache, kept, file), 3);
      expect(await run()).toEqual(first);
      const bytes = readFileSync(join(cache, kept, file));
      bytes[0] = (bytes[0] ?? 0) ^ 1;
      writeFileSync(join(cache, kept, file), bytes);
      expect(await run()).toEqual(first);
    },
  );

  it('keeps eight imports', async () => {
    await put('a.png', plain(RED));
    for (let size = 16; size <= 160; size += 16) await run({ image_size: size });
    expect(readdirSync(cache)).toHaveLength(8);
  });

  it('finds the same images under another name to be the same pixels', async () => {
    await put('a.png', plain(RED));
    const first = await run();
    const moved = `${folder}-moved`;
    renameSync(folder, moved);
    const second = await run({ path: moved });
    rmSync(moved, { recursive: true });
    expect(second.images_sha256).toBe(first.images_sha256);
  });
});

describe('folders that give nothing', () => {
  it.each<[string, () => Promise<unknown>, RegExp]>([
    ['missing', () => run({ path: join(folder, 'gone') }), /^There is no folder .*gone\.$/],
    ['empty', () => run(), /^No readable image in .*, it is empty\.$/],
  ])('%s', async (_what, attempt, message) => {
    await expect(attempt()).rejects.toMatchObject({
      code: 'bad_data',
      message: expect.stringMatching(message),
      remedy: expect.stringMatching(/^Choose a folder/),
    });
    expect(readdirSync(cache)).toEqual([]);
  });

  it('a file instead of a folder', async () => {
    const path = await put('a.png', plain(RED));
    await expect(run({ path })).rejects.toThrow(/is a file, not a folder/);
  });

  it('the first reasons are told where nothing could be read', async () => {
    for (const name of ['a', 'b', 'c', 'd']) await put(`${name}.txt`, 'x');
    await expect(run()).rejects.toThrow(
      /^No readable image in .* \(a\.txt: not a PNG.*; c\.txt: .*; and 1 more\)\.$/,
    );
  });
});

it('reports progress that ends at the total', async () => {
  for (let i = 0; i < 9; i++) await put(`${i}.png`, plain(RED));
  const heard: ImportProgress[] = [];
  await runImporter(job(), { entry, onProgress: (progress) => heard.push(progress) });
  expect(heard.at(-1)).toEqual({ done: 9, total: 9 });
});

it('goes on in a new process when one has grown too large, with the same result', async () => {
  for (let i = 0; i < 11; i++) await put(`${i % 2}/${i}.png`, plain({ r: 20 * i, g: 0, b: 0 }));
  await put('0/notes.txt', 'x');
  const whole = await run();
  rmSync(cache, { recursive: true });
  vi.stubEnv('PROTODIFF_IMPORTER_FULL_BYTES', '1');
  const pieces = await run();
  vi.unstubAllEnvs();
  expect(pieces).toEqual(whole);
  expect([pieces.count, pieces.skipped_total]).toEqual([11, 1]);
  expect(readdirSync(join(cache, readdirSync(cache)[0] ?? '')).sort()).toEqual([
    'images.u8',
    'labels.i32',
    'report.json',
  ]);
});

it('labelsOf sorts classes by name, not by first path', () => {
  expect(labelsOf(['a-1/x.png', 'a/x.png'])).toEqual({
    labels: Int32Array.of(1, 0),
    classes: ['a', 'a-1'],
  });
});
