import { predictClean } from './samplers';
import type { Denoise, SamplerOptions, SamplerRun } from './samplers';
import { alphaBar, sigmaAt, timeAt } from './schedule';
import type { Schedule } from './schedule';

/** EDM's spacing: most steps at low noise. */
const RHO = 7;
/** EDM's largest sigma; the end of a long chain (1e4 and more) would take steps and show nothing. */
const MOST_SIGMA = 80;

/**
 * Euler's method on the probability-flow ODE, in EDM's variables on this chain: with
 * y = x / sqrt(ab) and sigma = sqrt((1 - ab) / ab),
 *
 *   dy / dsigma = (y - x_0(y, sigma)) / sigma
 *
 * over Karras sigmas. Each step is one of DDIM's, at other noise levels.
 *
 * @source Karras et al. 2022, arXiv:2206.00364, eq. 4 and 5
 */
export function* euler(
  schedule: Schedule,
  denoise: Denoise,
  x: Float32Array,
  options: SamplerOptions,
): SamplerRun {
  return yield* integrate(schedule, denoise, x, options, false);
}

/**
 * Heun's method on the same ODE: a trial step, then one along the mean of the slopes at both
 * ends. Second order, two network calls a step; the last step, to sigma 0, is Euler's.
 *
 * @source Karras et al. 2022, arXiv:2206.00364, algorithm 1
 */
export function* heun(
  schedule: Schedule,
  denoise: Denoise,
  x: Float32Array,
  options: SamplerOptions,
): SamplerRun {
  return yield* integrate(schedule, denoise, x, options, true);
}

function* integrate(
  schedule: Schedule,
  denoise: Denoise,
  x: Float32Array,
  { steps, clip = true }: SamplerOptions,
  second: boolean,
): SamplerRun {
  const sigmas = karrasSigmas(schedule, steps);
  const y = x.map((value) => value * scaleAt(sigmas[0] ?? 0));
  /** The slope at (y, sigma); asks the network about x = y sqrt(ab), at an interpolated timestep. */
  const slope = (at: Float32Array, sigma: number, step: number) => {
    const t = timeAt(schedule, sigma);
    const scale = scaleAt(sigma);
    const x_t = at.map((value) => value / scale);
    const eps = denoise(x_t, t, step);
    const x_0_pred = predictClean(x_t, eps, alphaBar(schedule, t), clip);
    const d = at.map((value, i) => (value - (x_0_pred[i] ?? 0)) / sigma);
    return { t, eps, x_0_pred, d };
  };
  for (const [step, sigma] of sigmas.entries()) {
    const next = sigmas[step + 1] ?? 0;
    const { t, eps, x_0_pred, d } = slope(y, sigma, step);
    if (second && next > 0) {
      const trial = y.map((value, i) => value + (next - sigma) * (d[i] ?? 0));
      const ahead = slope(trial, next, step).d;
      d.forEach((value, i) => (d[i] = (value + (ahead[i] ?? 0)) / 2));
    }
    y.forEach((value, i) => (y[i] = value + (next - sigma) * (d[i] ?? 0)));
    x.set(y.map((value) => value / scaleAt(next)));
    yield { step, t: Math.round(t), x, x_0_pred, eps };
  }
  return x;
}

/** 1 / sqrt(ab) */
function scaleAt(sigma: number): number {
  return Math.sqrt(1 + sigma * sigma);
}

/**
 * n sigmas from the chain's largest (80 at most) to its smallest, equally spaced in
 * sigma^(1/7); the 0 after them is left to the caller.
 */
export function karrasSigmas(schedule: Schedule, steps: number): number[] {
  const root = (sigma: number): number => sigma ** (1 / RHO);
  const most = root(Math.min(MOST_SIGMA, sigmaAt(schedule, schedule.timesteps - 1)));
  const least = root(sigmaAt(schedule, 0));
  return Array.from(
    { length: steps },
    (_, i) => (most + (i / Math.max(1, steps - 1)) * (least - most)) ** RHO,
  );
}
