import { alphaBar } from './schedule';
import type { Schedule } from './schedule';

/**
 * The network as a sampler sees it.
 *
 * @param x_t  [B, H, W, C] row-major
 * @param t    one timestep for the whole batch
 * @param step index into the sampler's timesteps, for networks that draw anew at each step
 * @returns    eps, of the same length
 */
export type Denoise = (x_t: Float32Array, t: number, step: number) => Float32Array;

export interface SamplerOptions {
  /** Number of steps n; timesteps are spaced "leading": (n-1)r … r, 0 with r = T // n. */
  steps: number;
  /** 0 deterministic, 1 as noisy as DDPM (DDIM only). */
  eta?: number;
  /** Clip the predicted x_0 to ±1. Default true, as the reference. */
  clip?: boolean;
  /** Fills with fresh standard normals for step i; needed by DDPM, and by DDIM with eta > 0. */
  noise?: (out: Float32Array, step: number) => void;
}

export interface SamplerFrame {
  step: number;
  t: number;
  x: Float32Array;
  x_0_pred: Float32Array;
  eps: Float32Array;
}

/** Timesteps (n-1)r, …, r, 0 with r = T // n (diffusers' "leading" spacing, offset 0). */
export function leadingTimesteps(timesteps: number, steps: number): number[] {
  const stride = Math.floor(timesteps / steps);
  return Array.from({ length: steps }, (_, i) => (steps - 1 - i) * stride);
}

/**
 * A sampler as a generator of single steps, so that training can go on between them.
 * `x` is updated in place and belongs to the caller again when the generator ends.
 */
export type SamplerRun = Generator<SamplerFrame, Float32Array, void>;

/**
 * Ancestral sampling with the posterior's small variance.
 *
 *   mean = sqrt(ab_prev) b/(1-ab) x_0 + sqrt(a)(1-ab_prev)/(1-ab) x,  a = ab/ab_prev, b = 1-a
 *
 * @source Ho et al. 2020, arXiv:2006.11239, eq. 7; diffusers DDPMScheduler, fixed_small
 */
export function* ddpm(
  schedule: Schedule,
  denoise: Denoise,
  x: Float32Array,
  options: SamplerOptions,
): SamplerRun {
  const z = new Float32Array(x.length);
  for (const { step, t, ab, ab_prev } of levels(schedule, options.steps)) {
    const eps = denoise(x, t, step);
    const a = ab / ab_prev;
    const x_0_pred = predictClean(x, eps, ab, options.clip ?? true);
    const onClean = (Math.sqrt(ab_prev) * (1 - a)) / (1 - ab);
    const onState = (Math.sqrt(a) * (1 - ab_prev)) / (1 - ab);
    const deviation = Math.sqrt(Math.max(((1 - ab_prev) / (1 - ab)) * (1 - a), 1e-20));
    if (t > 0) requireNoise(options)(z, step);
    for (let i = 0; i < x.length; i++) {
      const mean = onClean * (x_0_pred[i] ?? 0) + onState * (x[i] ?? 0);
      x[i] = t > 0 ? mean + deviation * (z[i] ?? 0) : mean;
    }
    yield { step, t, x, x_0_pred, eps };
  }
  return x;
}

/**
 * DDIM: x' = sqrt(ab_prev) x_0 + sqrt(1 - ab_prev - sigma^2) eps + sigma z. eps is the network's
 * own, not recomputed from the clipped x_0.
 *
 * @source Song et al. 2021, arXiv:2010.02502, eq. 12; diffusers DDIMScheduler,
 *         set_alpha_to_one, use_clipped_model_output false
 */
export function* ddim(
  schedule: Schedule,
  denoise: Denoise,
  x: Float32Array,
  options: SamplerOptions,
): SamplerRun {
  const eta = options.eta ?? 0;
  const z = new Float32Array(x.length);
  for (const { step, t, ab, ab_prev } of levels(schedule, options.steps)) {
    const eps = denoise(x, t, step);
    const x_0_pred = predictClean(x, eps, ab, options.clip ?? true);
    const variance = ((1 - ab_prev) / (1 - ab)) * (1 - ab / ab_prev);
    const sigma = eta * Math.sqrt(Math.max(variance, 0));
    const onClean = Math.sqrt(ab_prev);
    const onEps = Math.sqrt(Math.max(1 - ab_prev - sigma * sigma, 0));
    if (sigma > 0) requireNoise(options)(z, step);
    for (let i = 0; i < x.length; i++) {
      x[i] = onClean * (x_0_pred[i] ?? 0) + onEps * (eps[i] ?? 0) + sigma * (z[i] ?? 0);
    }
    yield { step, t, x, x_0_pred, eps };
  }
  return x;
}

/** The noise levels that a sampler visits: alphas_cumprod at each timestep and at the one after it. */
function levels(
  schedule: Schedule,
  steps: number,
): { step: number; t: number; ab: number; ab_prev: number }[] {
  const stride = Math.floor(schedule.timesteps / steps);
  return leadingTimesteps(schedule.timesteps, steps).map((t, step) => ({
    step,
    t,
    ab: alphaBar(schedule, t),
    ab_prev: alphaBar(schedule, t - stride),
  }));
}

/** x_0 = (x - sqrt(1-ab) eps) / sqrt(ab), clipped to ±1 when asked. */
export function predictClean(
  x: Float32Array,
  eps: Float32Array,
  ab: number,
  clip: boolean,
): Float32Array {
  const noise = Math.sqrt(1 - ab);
  const signal = Math.sqrt(ab);
  const out = new Float32Array(x.length);
  for (let i = 0; i < x.length; i++) {
    const value = ((x[i] ?? 0) - noise * (eps[i] ?? 0)) / signal;
    out[i] = clip ? Math.min(1, Math.max(-1, value)) : value;
  }
  return out;
}

function requireNoise(options: SamplerOptions): (out: Float32Array, step: number) => void {
  if (options.noise === undefined) throw new TypeError('this sampler needs a source of noise');
  return options.noise;
}

/** Pixels: clamp(x/2 + 0.5, 0, 1)·255, rounded half to even, as the reference writes images. */
export function toPixels(x: Float32Array): Uint8Array {
  const out = new Uint8Array(x.length);
  for (let i = 0; i < x.length; i++) {
    const value = Math.fround(Math.min(1, Math.max(0, (x[i] ?? 0) / 2 + 0.5)) * 255);
    out[i] = roundHalfEven(value);
  }
  return out;
}

/** To the nearest integer, halves to the even one, as NumPy and PyTorch round. */
export function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}
