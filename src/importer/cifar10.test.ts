import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { buildEntry } from './built-entry';
import { interleave } from './cifar10';
import type { ImportJob } from './job';
import { runImporter } from './run';

let entry: string;
let home: string;
beforeAll(async () => void (entry = await buildEntry()));
afterAll(() => rmSync(dirname(entry), { recursive: true }));
beforeEach(() => void (home = mkdtempSync(join(tmpdir(), 'protodiff-cifar-'))));
afterEach(() => rmSync(home, { recursive: true }));

const run = (path = home, change: Partial<ImportJob> = {}): ReturnType<typeof runImporter> =>
  runImporter(
    { kind: 'cifar10', path, image_size: 32, channels: 3, cache: `${home}/cache`, ...change },
    { entry },
  );

/** A record whose planes are all `r`, all `g` and all `b`, the first pixel apart. */
function record(label: number, [r, g, b]: [number, number, number]): Buffer {
  const bytes = Buffer.concat([
    Buffer.of(label),
    Buffer.alloc(1024, r),
    Buffer.alloc(1024, g),
    Buffer.alloc(1024, b),
  ]);
  bytes.set([1], 1);
  bytes.set([2], 1025);
  bytes.set([3], 2049);
  return bytes;
}

it('reads the batches in the order of their numbers, labels and names with them', async () => {
  writeFileSync(join(home, 'data_batch_10.bin'), record(9, [30, 31, 32]));
  writeFileSync(
    join(home, 'data_batch_2.bin'),
    Buffer.concat([record(4, [10, 11, 12]), record(0, [20, 21, 22])]),
  );
  writeFileSync(join(home, 'test_batch.bin'), record(1, [0, 0, 0]));
  const names = 'airplane automobile bird cat deer dog frog horse ship truck'.split(' ');
  writeFileSync(join(home, 'batches.meta.txt'), names.join('\n') + '\n\n');
  const result = await run();
  expect(result).toMatchObject({ count: 3, height: 32, channels: 3, classes: names });
  expect(Array.from(result.labels ?? [])).toEqual([4, 0, 9]);
  expect(Array.from(result.images.subarray(0, 6))).toEqual([1, 2, 3, 10, 11, 12]);
  expect(Array.from(result.images.subarray(-3))).toEqual([30, 31, 32]);
});

it('reads one file, and the folder that holds the unpacked one', async () => {
  const inner = join(home, 'cifar-10-batches-bin');
  mkdirSync(inner);
  writeFileSync(join(inner, 'data_batch_1.bin'), record(3, [10, 10, 10]));
  const whole = await run();
  expect(whole.classes[3]).toBe('3');
  expect(await run(join(inner, 'data_batch_1.bin'))).toEqual(whole);
});

it('halves and greys, and says which sizes there are', async () => {
  writeFileSync(join(home, 'data_batch_1.bin'), record(3, [100, 100, 100]));
  const { images, width } = await run(home, { image_size: 16, channels: 1 });
  expect([width, images.length, images[200]]).toEqual([16, 256, 100]);
  await expect(run(home, { image_size: 48 })).rejects.toMatchObject({
    code: 'bad_config',
    message: 'CIFAR-10 comes at 16 or 32 pixels, not at 48.',
  });
});

it('reads more records than it takes at once', async () => {
  const records = Array.from({ length: 1203 }, (_, i) => record(i % 10, [i % 256, 0, 0]));
  writeFileSync(join(home, 'data_batch_1.bin'), Buffer.concat(records));
  const { count, images, labels } = await run();
  expect(count).toBe(1203);
  expect(labels?.[1202]).toBe(2);
  expect(images[1202 * 3072 + 3]).toBe(1202 % 256);
});

it.each<[string, Buffer, RegExp]>([
  ['one byte short', record(1, [0, 0, 0]).subarray(1), /has 3072 bytes, which is no multiple/],
  ['one byte long', Buffer.concat([record(1, [0, 0, 0]), Buffer.of(0)]), /has 3074 bytes/],
  ['empty', Buffer.alloc(0), /data_batch_1\.bin is empty\.$/],
  [
    'of another format',
    Buffer.concat([record(1, [0, 0, 0]), record(10, [0, 0, 0])]),
    /record 1 \(byte 3073\) has the label 10, and labels end at 9/,
  ],
])('refuses a file that is %s', async (_what, bytes, message) => {
  writeFileSync(join(home, 'data_batch_1.bin'), bytes);
  await expect(run()).rejects.toMatchObject({
    code: 'bad_data',
    message: expect.stringMatching(message),
    remedy: expect.stringMatching(/Unpack/),
  });
});

it('says what is missing', async () => {
  await expect(run()).rejects.toThrow(/^There is no data_batch_\*\.bin in /);
  await expect(run(join(home, 'gone'))).rejects.toThrow(/nothing to read at .*gone \(ENOENT\)/);
});

it('interleaves planes', () => {
  expect(Array.from(interleave(record(0, [7, 8, 9]))).slice(0, 6)).toEqual([1, 2, 3, 7, 8, 9]);
});
