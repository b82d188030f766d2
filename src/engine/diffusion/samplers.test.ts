import { describe, expect, it } from 'vitest';
import { stream } from '@shared/maths/rng';
import { dpmpp2m, linspaceTimesteps } from './dpm-solver';
import { ddim, ddpm, leadingTimesteps, toPixels } from './samplers';
import type { Denoise } from './samplers';
import { alphaBar, linearSchedule, qCoefficients } from './schedule';

const schedule = linearSchedule(100, 1e-4, 0.2);

/** The exact network for a data set of one image: eps = (x_t - sqrt(ab) x_0) / sqrt(1 - ab). */
const oracle =
  (x_0: Float32Array): Denoise =>
  (x_t, t) => {
    const ab = alphaBar(schedule, t);
    return x_t.map((x, i) => (x - Math.sqrt(ab) * (x_0[i] ?? 0)) / Math.sqrt(1 - ab));
  };

const x_0 = Float32Array.of(-1, -0.5, 0, 0.25, 0.9);
const start = (): Float32Array => stream(3, 'sample-noise', 0).fillNormal(new Float32Array(5));
const noise = (out: Float32Array, step: number): void => {
  stream(3, 'sample-noise', step + 1).fillNormal(out);
};

function finish(run: Generator<unknown, Float32Array>): Float32Array {
  for (;;) {
    const turn = run.next();
    if (turn.done) return turn.value;
  }
}

describe('samplers', () => {
  it('find the one image of a perfect network', () => {
    for (const run of [
      ddim(schedule, oracle(x_0), start(), { steps: 10 }),
      ddim(schedule, oracle(x_0), start(), { steps: 10, eta: 1, noise }),
      ddpm(schedule, oracle(x_0), start(), { steps: 100, noise }),
      dpmpp2m(schedule, oracle(x_0), start(), { steps: 10 }),
      dpmpp2m(schedule, oracle(x_0), start(), { steps: 1 }),
    ]) {
      const x = finish(run);
      x_0.forEach((value, i) => expect(x[i]).toBeCloseTo(value, 4));
    }
  });

  it('say when they lack noise', () => {
    expect(() => finish(ddpm(schedule, oracle(x_0), start(), { steps: 5 }))).toThrow(/noise/);
  });

  it('space timesteps from the near end', () => {
    expect(leadingTimesteps(1000, 4)).toEqual([750, 500, 250, 0]);
    expect(leadingTimesteps(10, 10)).toEqual([9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
  });

  it('round pixels half to even', () => {
    const half = (n: number): number => ((n + 0.5) / 255 - 0.5) * 2;
    expect([...toPixels(Float32Array.of(-3, -1, 0, 1, 3))]).toEqual([0, 0, 128, 255, 255]);
    expect(toPixels(Float32Array.of(half(10)))[0]).toBeLessThanOrEqual(11);
  });
});

describe('the forward process', () => {
  it('keeps the variance at 1 and refuses timesteps outside the chain', () => {
    const t = [0, 10, 50, 99];
    const { signal, noise } = qCoefficients(schedule, t);
    t.forEach((_, i) => expect((signal[i] ?? 0) ** 2 + (noise[i] ?? 0) ** 2).toBeCloseTo(1, 6));
    expect(() => alphaBar(schedule, 100)).toThrow(RangeError);
    expect(alphaBar(schedule, -1)).toBe(1);
  });

  it('space the steps of DPM-Solver as NumPy rounds them, halves to even', () => {
    expect(linspaceTimesteps(2000, 10)).toEqual([
      1999, 1799, 1599, 1399, 1199, 1000, 800, 600, 400, 200,
    ]);
    expect(linspaceTimesteps(6, 2)).toEqual([5, 2]);
  });
});
