import { cpSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunConfig } from '@shared/config/run-config';
import type { ImportJob } from '../../importer/job';
import { dataset } from './dataset';
import { loadDataset } from './load';
import { halve, pad, toChannels } from './pixels';

const resources = resolve(import.meta.dirname, '..', '..', '..', 'resources');
const jobs: ImportJob[] = [];
const context = {
  resources,
  cache: 'cache',
  importer: async (job: ImportJob) => {
    jobs.push(job);
    return {
      images: new Uint8Array(2 * 16 * 16 * 3).fill(9),
      images_sha256: 'f'.repeat(64),
      labels: null,
      classes: [],
      count: 2,
      height: 16,
      width: 16,
      channels: 3 as const,
      skipped: [{ what: 'x.txt', reason: 'not an image' }],
      skipped_total: 1,
    };
  },
};
const config = (change: Partial<RunConfig['data']>): RunConfig['data'] => ({
  source: { kind: 'digits' },
  image_size: 32,
  channels: 1,
  flip: false,
  shift: 0,
  rotate: 0,
  validation: 0,
  ...change,
});

describe('the shipped digits', () => {
  it('are 10,000, of ten mixed classes, on a black margin', async () => {
    const digits = await loadDataset(config({}), context);
    expect(digits).toMatchObject({ name: 'digits', count: 10_000, height: 32, width: 32 });
    expect(digits.classes).toEqual('0123456789'.split(''));
    const counts = new Array<number>(10).fill(0);
    for (const label of digits.labels ?? []) counts[label] = (counts[label] ?? 0) + 1;
    expect(Math.min(...counts)).toBeGreaterThan(800);
    expect(new Set(digits.labels?.subarray(0, 40)).size).toBe(10);
    const first = digits.images.subarray(0, 1024);
    expect(Math.max(...first)).toBeGreaterThan(200);
    expect(first.subarray(0, 64).every((value) => value === 0)).toBe(true);
    // A change of these bytes is a change of everybody's runs.
    expect(digits.fingerprint).toBe(
      '1a7e4dd64648b9005a36e9028bbc7449f8b9017cdc7294ce82534671ed1e0366',
    );
  });

  it('come at 16 pixels as means of four, and as RGB', async () => {
    const small = await loadDataset(config({ image_size: 16, channels: 3 }), context);
    expect(small.images).toHaveLength(10_000 * 16 * 16 * 3);
    const large = await loadDataset(config({}), context);
    const mean = [0, 1, 32, 33].reduce((sum, i) => sum + (large.images[12 * 64 + 16 + i] ?? 0), 0);
    const at = (6 * 2 * 16 + 8) * 3;
    expect(small.images[at]).toBe((mean + 2) >> 2);
    expect(small.images[at + 2]).toBe(small.images[at]);
  });

  it.each([48, 28, 64])('say which sizes there are when asked for %i', async (image_size) => {
    await expect(loadDataset(config({ image_size }), context)).rejects.toMatchObject({
      code: 'bad_config',
      message: `The digits come at 16 or 32 pixels, not at ${image_size}.`,
    });
  });
});

describe('the shipped emoji', () => {
  it('are 1,906 in colour, in nine categories, on white', async () => {
    const emoji = await loadDataset(config({ source: { kind: 'emoji' }, channels: 3 }), context);
    expect(emoji).toMatchObject({ name: 'emoji', count: 1906, channels: 3, height: 32 });
    expect(emoji.classes).toContain('Food & Drink');
    expect(emoji.classes).toHaveLength(9);
    expect(Math.max(...(emoji.labels ?? []))).toBe(8);
    const corners = Array.from({ length: 1906 }, (_, n) => emoji.images[n * 3072] ?? 0);
    expect(corners.filter((value) => value === 255).length).toBeGreaterThan(1500);
    expect(emoji.fingerprint).toBe(
      '4c4c92de41662a18a71300d5af7ea093eae70cbce436a7d1dfa3a574a58f0278',
    );
  });
});

describe('damaged resources', () => {
  let copy: string;
  beforeAll(() => {
    copy = mkdtempSync(join(tmpdir(), 'protodiff-resources-'));
    cpSync(resources, copy, { recursive: true });
  });
  afterAll(() => rmSync(copy, { recursive: true }));

  it('are refused with what to do', async () => {
    const broken = { ...context, resources: copy };
    truncateSync(join(copy, 'digits', 'images.idx3-ubyte.gz'), 1000);
    await expect(loadDataset(config({}), broken)).rejects.toMatchObject({ code: 'bad_data' });
    const emoji = config({ source: { kind: 'emoji' }, channels: 3 });
    const path = join(copy, 'emoji', 'labels.json');
    const labels = JSON.parse(readFileSync(path, 'utf8')) as { labels: number[] };
    labels.labels[7] = 9;
    writeFileSync(path, JSON.stringify(labels));
    await expect(loadDataset(emoji, broken)).rejects.toMatchObject({
      code: 'bad_data',
      remedy: 'Install Protodiff again.',
    });
    writeFileSync(path, '{');
    await expect(loadDataset(emoji, broken)).rejects.toMatchObject({ code: 'bad_data' });
    const missing = { ...context, resources: join(copy, 'gone') };
    await expect(loadDataset(config({}), missing)).rejects.toMatchObject({ code: 'bad_data' });
  });
});

it('hands a user’s files to the importer, with size and channels', async () => {
  const path = join('/', 'pictures', 'birds');
  const folder = config({ source: { kind: 'folder', path }, image_size: 16, channels: 3 });
  const birds = await loadDataset(folder, context);
  expect(jobs).toEqual([
    { kind: 'folder', path, image_size: 16, channels: 3, cache: join('cache', 'imports') },
  ]);
  expect(birds).toMatchObject({ name: 'birds', count: 2, skipped_total: 1, labels: null });
});

describe('the fingerprint', () => {
  const parts = {
    name: 'a',
    images: Uint8Array.of(1, 2, 3, 4),
    labels: Int32Array.of(0, 1),
    classes: ['x', 'y'],
    count: 2,
    height: 1,
    width: 2,
    channels: 1 as const,
  };
  const of = (change: Partial<typeof parts>): string =>
    dataset({ ...parts, ...change }).fingerprint;

  it('follows pixels, shape, labels and classes, and not the name', () => {
    expect(of({ name: 'b' })).toBe(of({}));
    const others = [
      of({}),
      of({ images: Uint8Array.of(1, 2, 3, 5) }),
      of({ height: 2, width: 1 }),
      of({ labels: Int32Array.of(1, 0) }),
      of({ classes: ['x', 'z'] }),
      dataset({ ...parts, labels: null }).fingerprint,
    ];
    expect(new Set(others).size).toBe(others.length);
  });

  it('refuses parts that do not fit together', () => {
    expect(() => of({ count: 3 })).toThrow(RangeError);
    expect(() => of({ labels: Int32Array.of(1) })).toThrow(RangeError);
  });
});

describe('pixels', () => {
  it('pads in the middle', () => {
    const padded = pad(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8), 2, 2, 1, 4);
    expect(Array.from(padded.subarray(0, 16))).toEqual([
      ...[0, 0, 0, 0],
      ...[0, 1, 2, 0],
      ...[0, 3, 4, 0],
      ...[0, 0, 0, 0],
    ]);
    expect(padded[16 + 5]).toBe(5);
  });

  it('halves image by image, channel by channel, rounding half up', () => {
    const two = Uint8Array.of(1, 10, 2, 20, 3, 30, 4, 40, 0, 0, 0, 0, 0, 0, 2, 255);
    expect(Array.from(halve(two, 2, 2, 2))).toEqual([3, 25, 1, 64]);
  });

  it('changes channels both ways', () => {
    expect(Array.from(toChannels(Uint8Array.of(7, 8), 1, 3))).toEqual([7, 7, 7, 8, 8, 8]);
    expect(Array.from(toChannels(Uint8Array.of(255, 0, 0, 9, 9, 9), 3, 1))).toEqual([76, 9]);
  });
});
