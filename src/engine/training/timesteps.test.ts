import { describe, expect, it } from 'vitest';
import { configFor } from '@shared/config/presets';
import type { RunConfig } from '@shared/config/run-config';
import { stream } from '@shared/maths/rng';
import { scheduleOf } from '../diffusion/schedule';
import { drawTimesteps } from './timesteps';

const base = configFor('quick', { kind: 'digits' });
const schedule = scheduleOf(base.diffusion);
const T = schedule.timesteps;
const draws = (training: Partial<RunConfig['training']>, counter = 3, count = 32): number[] => [
  ...drawTimesteps(
    { ...base, training: { ...base.training, ...training } },
    schedule,
    counter,
    count,
  ),
];
const median = (list: number[]): number =>
  [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)] ?? NaN;

describe('timesteps', () => {
  it('drawn uniformly are those of the stream, as ever', () => {
    const rng = stream(base.seed, 't', 3);
    expect(draws({ t_sampling: 'uniform' })).toEqual(Array.from({ length: 32 }, () => rng.int(T)));
  });

  it('stratified fall one into each part of the chain, and cover all of it', () => {
    const seen = new Set<number>();
    for (let counter = 0; counter < 400; counter++) {
      draws({ t_sampling: 'stratified' }, counter).forEach((t, i) => {
        expect(t).toBeGreaterThanOrEqual(Math.floor((i * T) / 32));
        expect(t).toBeLessThanOrEqual(Math.floor(((i + 1) * T) / 32));
        seen.add(t);
      });
    }
    expect(seen.size).toBeGreaterThan(0.99 * T);
    expect(Math.max(...seen)).toBe(T - 1);
  });

  it('logit-normal centre on the mean, in either domain', () => {
    const fraction = draws({ t_sampling: 'logit_normal', t_mean: 1, t_std: 0.5 }, 0, 4000);
    expect(median(fraction) / T).toBeCloseTo(1 / (1 + Math.exp(-1)), 1);
    const wanted = -3;
    const noisy = draws(
      { t_sampling: 'logit_normal', t_domain: 'log_snr', t_mean: wanted, t_std: 0.7 },
      0,
      4000,
    );
    const ab = schedule.alphas_cumprod[median(noisy)] ?? NaN;
    expect(Math.log(ab / (1 - ab))).toBeCloseTo(wanted, 1);
    expect([...noisy, ...fraction].every((t) => t >= 0 && t < T)).toBe(true);
  });

  it('of a log SNR beyond the chain are its ends', () => {
    const far = { t_sampling: 'logit_normal', t_domain: 'log_snr', t_std: 0.01 } as const;
    expect(new Set(draws({ ...far, t_mean: 20 }))).toEqual(new Set([0]));
    expect(new Set(draws({ ...far, t_mean: -20 }))).toEqual(new Set([T - 1]));
  });
});
