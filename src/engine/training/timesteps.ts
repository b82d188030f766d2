import type { RunConfig } from '@shared/config/run-config';
import { stream } from '@shared/maths/rng';
import type { Schedule } from '../diffusion/schedule';

/**
 * The timesteps of one batch, drawn from the stream of (seed, counter) alone. What is not uniform
 * is not corrected for: it is a weight on the loss, given by how often a timestep comes up.
 *
 * @param counter  of the batch: the step
 * @returns        [count] integers in [0, T)
 * @source logit_normal: Esser et al. 2024, arXiv:2403.03206, section 3.1 (over t / T); Karras et
 *         al. 2022, arXiv:2206.00364, table 1, draws log sigma = -log SNR / 2 so
 */
export function drawTimesteps(
  { seed, training }: RunConfig,
  schedule: Schedule,
  counter: number,
  count: number,
): Int32Array {
  const T = schedule.timesteps;
  const rng = stream(seed, 't', counter);
  const at = (fraction: number): number => Math.min(T - 1, Math.floor(fraction * T));
  switch (training.t_sampling) {
    case 'uniform':
      return Int32Array.from({ length: count }, () => rng.int(T));
    case 'stratified':
      // Which image gets which part needs no draw: the order of the images is one already.
      return Int32Array.from({ length: count }, (_, i) => at((i + rng.uniform()) / count));
    case 'logit_normal':
      return Int32Array.from({ length: count }, () => {
        const value = training.t_mean + training.t_std * rng.normal();
        return training.t_domain === 'fraction'
          ? at(1 / (1 + Math.exp(-value)))
          : nearestLevel(schedule.alphas_cumprod, value);
      });
  }
}

/** The timestep whose log SNR = log(ab / (1 - ab)) is nearest to `log_snr`; ab falls with t. */
function nearestLevel(alphas_cumprod: Float32Array, log_snr: number): number {
  const levelAt = (t: number): number => {
    const ab = alphas_cumprod[t] ?? 0;
    return Math.log(ab / Math.fround(1 - ab));
  };
  let [low, high] = [0, alphas_cumprod.length - 1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (levelAt(middle) >= log_snr) low = middle;
    else high = middle;
  }
  return Math.abs(levelAt(low) - log_snr) <= Math.abs(levelAt(high) - log_snr) ? low : high;
}
