import { alphaBar } from './schedule';
import type { Schedule } from './schedule';
import { predictClean, roundHalfEven } from './samplers';
import type { Denoise, SamplerOptions, SamplerRun } from './samplers';

/**
 * DPM-Solver++ 2M: a second-order step from the last two predictions of x_0, deterministic. In
 * lambda = log(alpha / sigma), with h the step and r the ratio of the step before to it:
 *
 *   x' = sigma'/sigma x - alpha' (e^-h - 1) (x_0 + (x_0 - x_0_before) / 2r)
 *
 * The first step and the last, which ends at sigma = 0, are of first order.
 *
 * @param options  `clip` as elsewhere; diffusers' own default is not to clip here
 * @source Lu et al. 2022, arXiv:2211.01095, algorithm 2; diffusers DPMSolverMultistepScheduler,
 *         dpmsolver++, midpoint, "linspace" spacing, final sigma zero
 */
export function* dpmpp2m(
  schedule: Schedule,
  denoise: Denoise,
  x: Float32Array,
  options: SamplerOptions,
): SamplerRun {
  const timesteps = linspaceTimesteps(schedule.timesteps, options.steps);
  const points = timesteps.map((t) => levelOf(alphaBar(schedule, t)));
  let before: { x_0: Float32Array; lambda: number } | undefined;
  for (const [step, t] of timesteps.entries()) {
    const now = points[step];
    if (now === undefined) break;
    const next = points[step + 1] ?? { alpha: 1, sigma: 0, lambda: Infinity };
    const eps = denoise(x, t, step);
    const x_0_pred = predictClean(x, eps, now.alpha ** 2, options.clip ?? true);
    const h = next.lambda - now.lambda;
    const keep = next.sigma / now.sigma;
    const move = -next.alpha * Math.expm1(-h);
    const second = before && next.sigma > 0 ? before : undefined;
    // 1/(2r): how much of the difference of the two predictions is added
    const weight = second ? h / (2 * (now.lambda - second.lambda)) : 0;
    for (let i = 0; i < x.length; i++) {
      const clean = x_0_pred[i] ?? 0;
      const slope = second ? clean - (second.x_0[i] ?? 0) : 0;
      x[i] = keep * (x[i] ?? 0) + move * (clean + weight * slope);
    }
    before = { x_0: x_0_pred, lambda: now.lambda };
    yield { step, t, x, x_0_pred, eps };
  }
  return x;
}

/** n timesteps from T - 1 downwards, equally spaced and rounded as NumPy does; 0 is left to the end. */
export function linspaceTimesteps(timesteps: number, steps: number): number[] {
  return Array.from({ length: steps }, (_, i) =>
    roundHalfEven(((timesteps - 1) * (steps - i)) / steps),
  );
}

function levelOf(ab: number): { alpha: number; sigma: number; lambda: number } {
  const alpha = Math.sqrt(ab);
  const sigma = Math.sqrt(1 - ab);
  return { alpha, sigma, lambda: Math.log(alpha / sigma) };
}
