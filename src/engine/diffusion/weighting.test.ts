import { describe, expect, it } from 'vitest';
import { PRESETS } from '@shared/config/presets';
import { alphaBar, cosineSchedule, linearSchedule } from './schedule';
import { lossWeights } from './weighting';

const schedule = linearSchedule(1000, 1e-4, 0.02);
const t = [0, 10, 100, 500, 999];
const { training } = PRESETS.cifar10;

describe('loss weights', () => {
  it('weigh the same error alike, whatever the network puts out', () => {
    for (const loss_weighting of ['none', 'min_snr', 'v'] as const) {
      const weights = (prediction: 'eps' | 'v' | 'x_0'): Float32Array =>
        lossWeights({ ...training, loss_weighting }, prediction, schedule, t);
      const [eps, v, x_0] = [weights('eps'), weights('v'), weights('x_0')];
      t.forEach((step, i) => {
        const ab = alphaBar(schedule, step);
        // One unit of v error is ab units of eps error; one of x_0 error is SNR of them.
        expect((v[i] ?? NaN) / ((eps[i] ?? NaN) * ab)).toBeCloseTo(1, 5);
        expect((x_0[i] ?? NaN) / (((eps[i] ?? NaN) * ab) / (1 - ab))).toBeCloseTo(1, 3);
      });
    }
  });

  it('are 1 for plain eps and for v as itself, and never above gamma for min-SNR on x_0', () => {
    const of = (loss_weighting: 'none' | 'min_snr' | 'v', prediction: 'eps' | 'v' | 'x_0') => [
      ...lossWeights({ ...training, loss_weighting }, prediction, schedule, t),
    ];
    of('none', 'eps').forEach((weight) => expect(weight).toBeCloseTo(1, 6));
    of('v', 'v').forEach((weight) => expect(weight).toBeCloseTo(1, 6));
    const clipped = of('min_snr', 'x_0');
    expect(Math.max(...clipped)).toBe(5);
    expect(clipped.at(-1)).toBeCloseTo(4.04e-5, 6);
  });
});

describe('the cosine schedule', () => {
  const T = 1000;
  const cosine = cosineSchedule(T);
  const g = (u: number): number => Math.cos(((u + 0.008) / 1.008) * (Math.PI / 2)) ** 2;

  it('follows its formula until the betas are cut', () => {
    for (const step of [0, 1, 250, 500, 900]) {
      expect(alphaBar(cosine, step) / (g((step + 1) / T) / g(0))).toBeCloseTo(1, 4);
    }
    expect(cosine.betas[0]).toBeCloseTo(4.128e-5, 8);
    expect(cosine.betas[T - 1]).toBe(Math.fround(0.999));
  });

  it('falls throughout and never reaches 0', () => {
    for (let step = 1; step < T; step++) {
      expect(alphaBar(cosine, step)).toBeLessThan(alphaBar(cosine, step - 1));
    }
    expect(alphaBar(cosine, T - 1)).toBeGreaterThan(1e-9);
  });
});
