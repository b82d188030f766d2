import { choicesOf } from '@shared/config/family';
import type { RunConfig } from '@shared/config/run-config';
import { ndarray } from '@shared/maths/ndarray';
import type { Executable } from '../backend/executable';
import type { Denoise } from '../diffusion/samplers';
import { qCoefficients } from '../diffusion/schedule';
import type { Schedule } from '../diffusion/schedule';
import { timeProjection, tokenTime } from '../nn/time';
import type { Geometry } from './program';

/** A network that is ready to be asked for eps, with the snapshot of weights it holds. */
export interface Network {
  config: RunConfig;
  geometry: Geometry;
  schedule: Schedule;
  executable: Executable;
}

/**
 * The network as a sampler sees it, guided: eps = eps_null + w (eps_cond - eps_null), which takes
 * two calls where w is not 1.
 *
 * @param count     images in the batch, as the executable was made for
 * @param condition [count, K] row-major shares of the prototypes or classes at a sampler step: a
 *                  one at each image's, or shares that sum to 1 for a mean of several; not asked
 *                  of a model without conditioning
 * @param guidance  w
 * @source Ho & Salimans 2022, arXiv:2207.12598, with w = 1 for none
 */
export function denoiser(
  { config, geometry, schedule, executable }: Network,
  count: number,
  condition: (step: number) => Float32Array,
  guidance = 1,
): Denoise {
  const { image_size: size, channels } = config.data;
  const { spec } = geometry;
  const shape = [count, size, size, channels];
  const width = spec.block_out_channels[0] ?? 0;
  const choices = choicesOf(spec);
  const predict = (x_t: Float32Array, t: number, shares: Float32Array | null): Float32Array => {
    const times = new Array<number>(count).fill(t);
    const { signal, noise } = qCoefficients(schedule, times);
    const { eps } = executable.call('eps', {
      x_t: ndarray(x_t.slice(), shape),
      time_proj: ndarray(timeProjection(times, width), [count, width]),
      token_time: ndarray(tokenTime(times, spec.time_embed_dim, spec.dim), [count, spec.dim]),
      signal: ndarray(signal, [count, 1, 1, 1]),
      noise: ndarray(noise, [count, 1, 1, 1]),
      ...(shares && { shares: ndarray(shares, [count, spec.k]) }),
    });
    return eps?.data as Float32Array;
  };
  return (x_t, t, step) => {
    if (choices === 0) return predict(x_t, t, null);
    const guided = predict(x_t, t, condition(step));
    if (guidance === 1) return guided;
    const free = predict(x_t, t, new Float32Array(count * spec.k));
    return guided.map((value, i) => (free[i] ?? 0) + guidance * (value - (free[i] ?? 0)));
  };
}
