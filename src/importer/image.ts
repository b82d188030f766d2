import { open } from 'node:fs/promises';
import sharp from 'sharp';
import { toChannels } from '../engine/data/pixels';
import { codeOf } from './walk';

// Of libvips's many loaders only four meet files from outside.
sharp.block({ operation: ['VipsForeignLoad'] });
sharp.unblock({
  operation: [
    'VipsForeignLoadJpeg',
    'VipsForeignLoadPng',
    'VipsForeignLoadWebp',
    'VipsForeignLoadNsgif',
  ],
});
sharp.cache(false);
sharp.concurrency(1);

const MAX_MEGAPIXELS = 64;
const WHITE = '#ffffff';

/** Why a file gives no image, in words for the list of skipped files. */
export class Unreadable extends Error {}

/**
 * Decodes a PNG, JPEG, WebP or GIF (its first frame): turned as its EXIF says, put on white,
 * converted to 8-bit sRGB, cut to a square around the middle and resized.
 * @returns [size, size, channels]
 * @throws Unreadable
 */
export async function decodeImage(
  path: string,
  size: number,
  channels: 1 | 3,
): Promise<Uint8Array> {
  await checkKind(path);
  try {
    const { data, info } = await sharp(path, {
      limitInputPixels: MAX_MEGAPIXELS * 1e6,
      failOn: 'warning',
    })
      .autoOrient()
      .flatten({ background: WHITE })
      .resize(size, size, { fit: 'cover', position: 'centre' })
      .toColourspace('srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    const rgb = toChannels(data, info.channels === 1 ? 1 : 3, 3);
    if (rgb.length !== size * size * 3) throw new Unreadable('it decodes to an odd size');
    return toChannels(rgb, 3, channels);
  } catch (thrown) {
    throw thrown instanceof Unreadable ? thrown : new Unreadable(reasonOf(thrown));
  }
}

const MAGIC: [string, RegExp][] = [
  ['PNG', /^\x89PNG\r\n\x1a\n/],
  ['JPEG', /^\xff\xd8\xff/],
  ['WebP', /^RIFF....WEBP/s],
  ['GIF', /^GIF8[79]a/],
];
const KNOWN_ELSEWHERE: [string, RegExp][] = [
  ['HEIC', /^....ftyp(heic|heix|mif1|msf1|hevc)/s],
  ['AVIF', /^....ftypavi[fs]/s],
  ['TIFF', /^(II\*\0|MM\0\*)/],
  ['BMP', /^BM/],
];

/** Goes by the content: names lie, and many data sets have no extensions. */
async function checkKind(path: string): Promise<void> {
  let head: string;
  try {
    const file = await open(path, 'r');
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(16), 0, 16, 0);
      head = buffer.toString('latin1', 0, bytesRead);
    } finally {
      await file.close();
    }
  } catch (thrown) {
    throw new Unreadable(`it cannot be opened (${codeOf(thrown)})`);
  }
  if (head === '') throw new Unreadable('it is empty');
  if (MAGIC.some(([, pattern]) => pattern.test(head))) return;
  const other = KNOWN_ELSEWHERE.find(([, pattern]) => pattern.test(head));
  throw new Unreadable(
    other ? `${other[0]} is not read: convert it to PNG` : 'not a PNG, JPEG, WebP or GIF image',
  );
}

function reasonOf(thrown: unknown): string {
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  if (/exceeds pixel limit/i.test(message)) return `more than ${MAX_MEGAPIXELS} megapixels`;
  return `damaged or cut off (${message.trim().split('\n', 1)[0]})`;
}
