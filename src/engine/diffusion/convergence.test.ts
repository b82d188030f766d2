import { describe, expect, it } from 'vitest';
import { stream } from '@shared/maths/rng';
import { SAMPLERS } from './choice';
import { karrasSigmas } from './edm';
import { predictClean } from './samplers';
import type { Denoise } from './samplers';
import { alphaBar, linearSchedule, sigmaAt, timeAt } from './schedule';

/**
 * Images of independent normal pixels of deviation c: the best denoiser is known,
 * E[eps | x_t] = sqrt(1 - ab) x_t / (ab c^2 + 1 - ab), and so is the flow of its ODE: in
 * y = x / sqrt(ab), y is proportional to sqrt(c^2 + sigma^2).
 */
const c = 0.5;
const schedule = linearSchedule(1000, 1e-4, 0.02);
const gaussian: Denoise = (x_t, t) => {
  const ab = alphaBar(schedule, t);
  return x_t.map((x) => (Math.sqrt(1 - ab) * x) / (ab * c * c + 1 - ab));
};
const spread = (ab: number): number => Math.sqrt(ab * c * c + 1 - ab);
const start = (): Float32Array => stream(5, 'sample-noise', 0).fillNormal(new Float32Array(16));

type Name = 'ddim' | 'dpmpp_2m' | 'euler' | 'heun';

/**
 * Largest distance from the exact flow, relative to it, over the states down to ab = 0.8: at less
 * noise equal steps of t are large ones of log sigma, however many they are.
 */
function error(name: Name, steps: number): number {
  const asked: number[] = [];
  const denoise: Denoise = (x_t, t, step) => {
    asked[step] ??= alphaBar(schedule, t);
    return gaussian(x_t, t, step);
  };
  const x = start();
  const states: Float32Array[] = [x.slice()];
  for (const frame of SAMPLERS[name](schedule, denoise, x, { steps, clip: false })) {
    states.push(frame.x.slice());
  }
  let worst = 0;
  const [first = 0] = asked;
  asked.forEach((ab, step) => {
    if (ab > 0.8) return;
    states[step]?.forEach((value, i) => {
      const exact = ((states[0]?.[i] ?? NaN) * spread(ab)) / spread(first);
      worst = Math.max(worst, Math.abs(value / exact - 1));
    });
  });
  return worst;
}

describe('on a problem with a known answer', () => {
  it.each([
    ['ddim', 1],
    ['euler', 1],
    ['dpmpp_2m', 2],
    ['heun', 2],
  ] as const)('%s converges at order %i', (name, order) => {
    const errors = [20, 40, 80].map((steps) => error(name, steps));
    const [coarse = NaN, middle = NaN, fine = NaN] = errors;
    for (const [from, to] of [
      [coarse, middle],
      [middle, fine],
    ] as const) {
      const found = Math.log2(from / to);
      expect(found).toBeGreaterThan(order - 0.35);
      expect(found).toBeLessThan(order + 0.8);
    }
  });

  it.each(['ddim', 'ddpm', 'dpmpp_2m', 'euler', 'heun'] as const)(
    '%s of one step gives the prediction of x_0',
    (name) => {
      const x = start();
      let level = NaN;
      const denoise: Denoise = (x_t, t, step) => {
        level = alphaBar(schedule, t);
        return gaussian(x_t, t, step);
      };
      const before = x.slice();
      const run = SAMPLERS[name](schedule, denoise, x, { steps: 1, clip: false });
      while (!run.next().done);
      const wanted = predictClean(
        before,
        before.map((value) => (Math.sqrt(1 - level) * value) / spread(level) ** 2),
        level,
        false,
      );
      x.forEach((value, i) => expect(value).toBeCloseTo(wanted[i] ?? NaN, 3));
    },
  );
});

describe('Karras sigmas', () => {
  it('fall from the end of the chain to its beginning, 80 at most', () => {
    const sigmas = karrasSigmas(schedule, 12);
    expect(sigmas[0]).toBeCloseTo(80, 6);
    expect(sigmas.at(-1)).toBeCloseTo(sigmaAt(schedule, 0), 6);
    sigmas.slice(1).forEach((sigma, i) => expect(sigma).toBeLessThan(sigmas[i] ?? 0));
  });

  it('have timesteps between those of the chain, and back', () => {
    for (const sigma of [0.02, 0.5, 3, 70]) {
      const t = timeAt(schedule, sigma);
      expect(sigmaAt(schedule, t) / sigma).toBeCloseTo(1, 6);
      const ab = alphaBar(schedule, t);
      expect(Math.sqrt((1 - ab) / ab) / sigma).toBeCloseTo(1, 6);
    }
    expect(timeAt(schedule, 1e9)).toBe(999);
    expect(timeAt(schedule, 1e-9)).toBe(0);
  });
});
