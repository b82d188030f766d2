import { describe, expect, it } from 'vitest';
import { alphaBar, noised, normals } from './noised';

const betas = { start: 1e-4, end: 0.02, timesteps: 1000 };
const picture = {
  width: 2,
  height: 1,
  rgba: Uint8ClampedArray.of(255, 255, 255, 255, 0, 0, 0, 255),
};

describe('noised', () => {
  it('ends near pure noise and begins near the picture', () => {
    expect(alphaBar(0, betas)).toBeCloseTo(0.9999, 10);
    expect(alphaBar(999, betas)).toBeLessThan(1e-4);
    const near = noised(picture, 0, betas, () => 0);
    expect([...near.rgba]).toEqual([255, 255, 255, 255, 0, 0, 0, 255]);
    const far = noised(picture, 999, betas, () => 0);
    expect(far.rgba[0]).toBeGreaterThan(126);
    expect(far.rgba[0]).toBeLessThan(130);
  });

  it('keeps grey pictures grey', () => {
    const { rgba } = noised(picture, 500, betas, normals(1));
    expect(rgba[0]).toBe(rgba[1]);
    expect(rgba[4]).toBe(rgba[6]);
  });

  it('draws the same standard normals for the same seed', () => {
    const draws = Array.from({ length: 4000 }, normals(7));
    expect(draws.slice(0, 5)).toEqual(Array.from({ length: 5 }, normals(7)));
    const mean = draws.reduce((a, b) => a + b, 0) / draws.length;
    const variance = draws.reduce((a, b) => a + (b - mean) ** 2, 0) / draws.length;
    expect(Math.abs(mean)).toBeLessThan(0.06);
    expect(Math.abs(variance - 1)).toBeLessThan(0.1);
  });
});
