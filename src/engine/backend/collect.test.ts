import { describe, expect, it } from 'vitest';
import { collect } from './collect';

describe('collect', () => {
  it('lets go of an array that nothing refers to', () => {
    const MB = 2 ** 20;
    const held = (): number => process.memoryUsage().arrayBuffers;
    const before = held();
    const make = (): number => new Float32Array(64 * MB).fill(1).length;
    expect(make()).toBe(64 * MB);
    expect(held()).toBeGreaterThan(before + 250 * MB);
    collect();
    expect(held()).toBeLessThan(before + 10 * MB);
  });
});
