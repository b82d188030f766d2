import { describe, expect, it } from 'vitest';
import { configFor } from '@shared/config/presets';
import { dataset } from '../data/dataset';
import type { Dataset } from '../data/dataset';
import { probeBatch, probeSet, shuffled } from './probe';

const config = configFor('tiny', { kind: 'digits' });

function data(labels: number[] | null, count = labels?.length ?? 0, size = 16): Dataset {
  return dataset({
    name: 'made up',
    images: new Uint8Array(count * size * size),
    labels: labels && Int32Array.from(labels),
    classes: labels === null ? [] : ['a', 'b', 'c'],
    ...{ count, height: size, width: size, channels: 1 as const },
  });
}
const counts = (values: Int32Array): number[] =>
  [0, 1, 2].map((label) => values.filter((value) => value === label).length);

describe('the probe images', () => {
  it('are of every class alike, in each batch, however uneven the data', () => {
    // Sorted by class, as folders are; 700, 200 and 300 of them.
    const labels = [
      ...Array(700).fill(0),
      ...Array(200).fill(1),
      ...Array(300).fill(2),
    ] as number[];
    const set = probeSet(config, { dim: 16 }, data(labels));
    expect(set.index.length).toBe(384);
    expect(new Set(set.index).size).toBe(384);
    expect(set.labels).toEqual(set.index.map((image) => labels[image] ?? -1));
    expect(counts(set.labels as Int32Array)).toEqual([128, 128, 128]);
    expect(counts((set.labels as Int32Array).subarray(0, 128))).toEqual([43, 43, 42]);
  });

  it('are filled from the other classes where one runs out', () => {
    const labels = [...Array(395).fill(0), ...Array(5).fill(1)] as number[];
    const set = probeSet(config, { dim: 16 }, data(labels));
    expect(counts(set.labels as Int32Array)).toEqual([379, 5, 0]);
  });

  it('follow from the seed', () => {
    const of = (seed: number): Int32Array =>
      probeSet({ ...config, seed }, { dim: 16 }, data(null, 500)).index;
    expect(of(1)).toEqual(of(1));
    expect(of(1)).not.toEqual(of(2));
    expect(probeSet(config, { dim: 16 }, data(null, 500)).labels).toBeNull();
  });

  it('are fewer of large images, wide features and small data, whole batches always', () => {
    const large = { ...config, data: { ...config.data, image_size: 64 } };
    expect(probeBatch(large, 10_000)).toBe(32);
    expect(probeBatch({ ...config, data: { ...config.data, image_size: 512 } }, 10_000)).toBe(8);
    expect(probeSet(config, { dim: 512 }, data(null, 500)).index.length).toBe(128);
    expect(probeSet(config, { dim: 16 }, data(null, 300)).index.length).toBe(256);
    expect(probeSet(config, { dim: 16 }, data(null, 20)).index.length).toBe(20);
  });
});

describe('the order of a whole data set', () => {
  it('has each image once, or evenly taken ones, and follows from the seed', () => {
    expect([...shuffled(1, 50, 100)].sort((a, b) => a - b)).toEqual([...Array(50).keys()]);
    const some = shuffled(1, 100, 25);
    expect([...some].sort((a, b) => a - b)).toEqual([...Array(25).keys()].map((i) => 4 * i));
    expect(shuffled(1, 100, 25)).toEqual(some);
    expect(shuffled(2, 100, 25)).not.toEqual(some);
  });
});
