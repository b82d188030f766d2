import { describe, expect, it } from 'vitest';
import { dataset } from '../data/dataset';
import { NearestImages } from './nearest';

/** Images of 2 x 2 pixels in grey. */
const images = [
  [0, 0, 0, 0],
  [255, 255, 255, 255],
  [200, 10, 200, 10],
  [0, 0, 0, 51],
];
const data = dataset({
  name: 'made up',
  images: Uint8Array.from(images.flat()),
  ...{ labels: null, classes: [], count: 4, height: 2, width: 2, channels: 1 as const },
});

describe('the nearest training image', () => {
  it('is found with its distance, black to white being 1', () => {
    const search = new NearestImages(data, false);
    expect(search.of(Uint8Array.of(255, 255, 255, 255))).toEqual({ image: 1, distance: 0 });
    // One pixel of four off by 51 = 0.2: sqrt(0.04 / 4)
    expect(search.of(Uint8Array.of(255, 255, 255, 204))).toEqual({ image: 1, distance: 0.1 });
    expect(search.of(Uint8Array.of(0, 0, 0, 0), 0)).toEqual({ image: 3, distance: 0.1 });
  });

  it('may be mirrored where training mirrors', () => {
    const query = Uint8Array.of(10, 200, 10, 200);
    expect(new NearestImages(data, true).of(query)).toEqual({ image: 2, distance: 0 });
    expect(new NearestImages(data, false).of(query).distance).toBeGreaterThan(0.3);
  });

  it('of the training images themselves says what is usual, and is looked for once', () => {
    const search = new NearestImages(data, false);
    expect(search.usualSearches).toBe(4);
    const work = search.usual();
    let searches = 0;
    let turn = work.next();
    for (; !turn.done; turn = work.next()) searches += 1;
    expect(searches).toBe(4);
    // 0.1 twice (images 0 and 3), and two more that are farther: the upper median.
    const apart = (a: number, b: number): number => {
      const squares = [0, 1, 2, 3].map((i) => ((images[a]?.[i] ?? 0) - (images[b]?.[i] ?? 0)) ** 2);
      return Math.sqrt(squares.reduce((sum, value) => sum + value, 0) / 4) / 255;
    };
    const nearest = [0, 1, 2, 3].map((a) =>
      Math.min(...[0, 1, 2, 3].filter((b) => b !== a).map((b) => apart(a, b))),
    );
    expect(turn.value).toBeCloseTo(nearest.sort((a, b) => a - b)[2] ?? NaN, 12);
    expect(search.usualSearches).toBe(0);
    expect(search.usual().next()).toEqual({ done: true, value: turn.value });
    expect(new NearestImages(data, true).usualSearches).toBe(4);
  });
});
