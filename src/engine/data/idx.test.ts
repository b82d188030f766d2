import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AppError } from '@shared/errors';
import { parseIdx, readIdx } from './idx';

function idx(shape: number[], bytes: Uint8Array, type = 8): Buffer {
  const header = Buffer.alloc(4 + 4 * shape.length);
  header.set([0, 0, type, shape.length]);
  shape.forEach((extent, axis) => header.writeUInt32BE(extent, 4 + 4 * axis));
  return Buffer.concat([header, bytes]);
}

describe('parseIdx', () => {
  it('reads every rank from 1 to 4', () => {
    for (const shape of [[6], [2, 3], [1, 2, 3], [3, 1, 2, 1]]) {
      const bytes = Uint8Array.from([1, 2, 3, 4, 5, 6]);
      const read = parseIdx(idx(shape, bytes), 'x');
      expect(read.shape).toEqual(shape);
      expect(Array.from(read.data)).toEqual([1, 2, 3, 4, 5, 6]);
    }
  });

  it.each<[string, Uint8Array, RegExp]>([
    ['nothing', Buffer.alloc(0), /does not begin as an IDX file/],
    ['a wrong magic number', Buffer.from('\x89PNG....', 'latin1'), /does not begin/],
    ['floats', idx([1], Buffer.alloc(4), 0x0d), /does not begin/],
    ['rank 0', Buffer.of(0, 0, 8, 0, 1), /it has 0 axes/],
    ['rank 5', idx([1, 1, 1, 1, 1], Buffer.of(1)), /it has 5 axes/],
    ['half a header', idx([2, 3], Buffer.alloc(0)).subarray(0, 9), /ends within its header/],
    ['a byte too few', idx([2, 3], Buffer.alloc(5)), /announces 2 x 3 = 6 bytes and 5 follow/],
    ['a byte too many', idx([2, 3], Buffer.alloc(7)), /and 7 follow/],
    [
      'extents beyond all memory',
      idx([0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff], Buffer.alloc(1)),
      /= 340282366604025813\d+ bytes and 1 follow/,
    ],
  ])('refuses %s', (_what, bytes, message) => {
    expect(() => parseIdx(bytes, 'file.idx')).toThrow(message);
  });

  it('takes any bytes as data of their shape or refuses them as bad data', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        bytes.set([0, 0, 8].slice(0, bytes.length));
        try {
          const { shape, data } = parseIdx(bytes, 'x');
          expect(shape.reduce((a, b) => a * b, 1)).toBe(data.length);
        } catch (thrown) {
          expect(thrown).toMatchObject({ code: 'bad_data' });
        }
      }),
    );
  });
});

describe('readIdx', () => {
  let folder: string;
  beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'protodiff-idx-'))));
  afterAll(() => rmSync(folder, { recursive: true }));
  const file = (bytes: Uint8Array): string => {
    const path = join(folder, 'data.gz');
    writeFileSync(path, bytes);
    return path;
  };
  const data = idx(
    [200, 3],
    new Uint8Array(600).map((_, i) => (i * i) % 251),
  );

  it('reads plain and gzipped files alike', async () => {
    const plain = await readIdx(file(data));
    expect(await readIdx(file(gzipSync(data)))).toEqual(plain);
  });

  it('refuses a gzip file cut anywhere', async () => {
    const zipped = gzipSync(data);
    for (const end of [2, 9, 30, zipped.length - 9, zipped.length - 1]) {
      await expect(readIdx(file(zipped.subarray(0, end))), `cut at ${end}`).rejects.toThrow(
        /data\.gz cannot be read: its gzip stream is damaged or cut off/,
      );
    }
  });

  it('refuses a missing file by name', async () => {
    const error = await readIdx(join(folder, 'gone')).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(AppError);
    expect(error).toMatchObject({ code: 'bad_data', message: expect.stringContaining('gone') });
  });
});
