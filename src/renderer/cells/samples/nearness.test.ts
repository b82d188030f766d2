import { describe, expect, it } from 'vitest';
import { nearnessOf, nearWords } from './nearness';
import type { SheetImage } from './sheet-maker.svelte';

const image = (distance: number): SheetImage => ({
  ...{ column: 0, row: 0, height: 1, width: 1, channels: 1, data: new Uint8Array(1) },
  nearest: { index: 3, distance, data: new Uint8Array(1) },
});

describe('how near images are to training images', () => {
  it('is judged by how far those usually are from each other', () => {
    expect([0.2, 0.1, 0.06, 0.04].map((distance) => nearnessOf(distance, 0.1))).toEqual([
      ...['usual', 'usual', 'near', 'copy'],
    ]);
    expect(nearnessOf(0.01, null)).toBe('usual');
  });

  it('is said in a sentence with the limit beside the value', () => {
    expect(nearWords([], 0.1)).toBe('');
    expect(nearWords([image(0.2)], null)).toBe('Nearest training images: median distance 0.200.');
    const said = (...distances: number[]): string => nearWords(distances.map(image), 0.1);
    expect(said(0.2, 0.15)).toMatch(/usually 0\.100 from each other, none is nearer/);
    expect(said(0.2, 0.07)).toMatch(/1 of 2 are nearer than that/);
    expect(said(0.2, 0.07, 0.01)).toMatch(/median distance 0\.0700.*1 of 3 are copies/);
  });
});
