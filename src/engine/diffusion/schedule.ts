import type { DiffusionConfig } from '@shared/config/run-config';

const f = Math.fround;

/** The training chain's tables, float32 as the reference keeps them. */
export interface Schedule {
  /** T */
  timesteps: number;
  betas: Float32Array;
  /** Sequential float32 product of 1 - beta: at T = 2000 its tail is about 2e-9. */
  alphas_cumprod: Float32Array;
}

/**
 * Linear schedule: betas equally spaced from beta_start to beta_end.
 *
 * @source Ho et al. 2020, arXiv:2006.11239; torch.linspace in float32, cumprod in sequence
 */
export function linearSchedule(timesteps: number, beta_start: number, beta_end: number): Schedule {
  const betas = new Float32Array(timesteps);
  const start = f(beta_start);
  const end = f(beta_end);
  const step = timesteps > 1 ? f(f(end - start) / (timesteps - 1)) : 0;
  // torch fills the first half from the start and the second half back from the end
  const half = Math.floor(timesteps / 2);
  for (let i = 0; i < timesteps; i++) {
    betas[i] = i < half ? f(start + f(step * i)) : f(end - f(step * (timesteps - 1 - i)));
  }
  return scheduleFrom(betas);
}

/** s of the paper: keeps the first betas from being too small. */
const COSINE_OFFSET = 0.008;
/** Betas end here, so that the last step keeps a trace of the image. */
const LARGEST_BETA = 0.999;

/**
 * Cosine schedule: alphas_cumprod(t) = g(t) / g(0), g(t) = cos²((t/T + s)/(1 + s) · π/2), by way
 * of betas 1 - g(t+1)/g(t), cut at 0.999. The betas are worked out in double and the product is
 * taken of their float32 values, so the last alphas_cumprod (about 2e-9) is the product's, not
 * the formula's 0.
 *
 * @source Nichol & Dhariwal 2021, arXiv:2102.09672, eq. 17; diffusers squaredcos_cap_v2
 */
export function cosineSchedule(timesteps: number): Schedule {
  const g = (t: number): number =>
    Math.cos(((t / timesteps + COSINE_OFFSET) / (1 + COSINE_OFFSET)) * (Math.PI / 2)) ** 2;
  return scheduleFrom(
    Float32Array.from({ length: timesteps }, (_, t) => Math.min(1 - g(t + 1) / g(t), LARGEST_BETA)),
  );
}

export function scheduleOf(diffusion: DiffusionConfig): Schedule {
  const { timesteps, beta_schedule, beta_start, beta_end } = diffusion;
  return beta_schedule === 'cosine'
    ? cosineSchedule(timesteps)
    : linearSchedule(timesteps, beta_start, beta_end);
}

function scheduleFrom(betas: Float32Array): Schedule {
  const alphas_cumprod = new Float32Array(betas.length);
  let product = 1;
  for (let i = 0; i < betas.length; i++) {
    product = f(product * f(1 - (betas[i] ?? 0)));
    alphas_cumprod[i] = product;
  }
  return { timesteps: betas.length, betas, alphas_cumprod };
}

/**
 * Coefficients of the forward process for a batch:
 *
 *   x_t = sqrt(alphas_cumprod[t]) x_0 + sqrt(1 - alphas_cumprod[t]) eps
 *
 * @param t  0-based, 0 = least noise
 * @returns  signal and noise factors, one an image
 * @source   Ho et al. 2020, eq. 4
 */
export function qCoefficients(
  schedule: Schedule,
  t: ArrayLike<number>,
): { signal: Float32Array; noise: Float32Array } {
  const signal = new Float32Array(t.length);
  const noise = new Float32Array(t.length);
  for (let b = 0; b < t.length; b++) {
    const ab = alphaBar(schedule, t[b] ?? 0);
    signal[b] = Math.sqrt(ab);
    noise[b] = Math.sqrt(Math.fround(1 - ab));
  }
  return { signal, noise };
}

/** sigma = sqrt((1 - ab) / ab) at t; between timesteps, log sigma is interpolated. */
export function sigmaAt(schedule: Schedule, t: number): number {
  const at = (step: number): number => {
    const ab = alphaBar(schedule, step);
    return Math.sqrt(f(1 - ab) / ab);
  };
  const below = Math.floor(t);
  return below === t ? at(t) : at(below) ** (1 + below - t) * at(below + 1) ** (t - below);
}

/** The timestep at which sigmaAt is `sigma`, between timesteps as a rule; the ends beyond them. */
export function timeAt(schedule: Schedule, sigma: number): number {
  let [low, high] = [0, schedule.timesteps - 1];
  if (sigma <= sigmaAt(schedule, low)) return low;
  if (sigma >= sigmaAt(schedule, high)) return high;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (sigmaAt(schedule, middle) <= sigma) low = middle;
    else high = middle;
  }
  const [from, to] = [Math.log(sigmaAt(schedule, low)), Math.log(sigmaAt(schedule, high))];
  return low + (Math.log(sigma) - from) / (to - from);
}

/** alphas_cumprod[t], and 1 for the clean image (t < 0); between timesteps see sigmaAt. */
export function alphaBar(schedule: Schedule, t: number): number {
  if (t < 0) return 1;
  if (!Number.isInteger(t)) return 1 / (1 + sigmaAt(schedule, t) ** 2);
  const value = schedule.alphas_cumprod[t];
  if (value === undefined) {
    throw new RangeError(`timestep ${t} is outside the chain of ${schedule.timesteps}`);
  }
  return value;
}
