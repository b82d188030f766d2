import { stream } from '@shared/maths/rng';
import type { Swap } from '@shared/protocol/contract-prototypes';
import { qCoefficients } from '../diffusion/schedule';
import { denoiser } from './denoiser';
import type { Network } from './denoiser';

/** Timesteps that are looked at, the middles of equal parts of the chain. */
const TIMES = 8;
/** Predictions at one timestep, images times prototypes: a network call if that has more, else about so many. */
const PREDICTIONS = 16;
const MOST_PROTOTYPES = 8;
/** First counter of the stream `probe` that a noise is drawn with; image i takes the i-th. */
const NOISE = 2 ** 20;

/** Images that a bank of k prototypes is measured with, in network calls of `batch`. */
export function swapImages(k: number, batch: number): number {
  return Math.max(1, Math.floor(Math.max(PREDICTIONS, batch) / Math.min(k, MOST_PROTOTYPES)));
}

/**
 * Does the prototype matter? At each of 8 timesteps the mean, over images and ordered pairs (i, j)
 * of prototypes, of
 *
 *   ‖eps(x_t, t, p_i) - eps(x_t, t, p_j)‖ / ‖eps(x_t, t, p_i)‖
 *
 * with x_t the images noised to t, always with the same noise. Of a large bank 8 prototypes are
 * taken, evenly. One network call at each `next()`, from the executable's snapshot.
 *
 * @param images  [n, H, W, C] in [-1, 1]; swapImages says how many fill the network calls
 * @param batch   images of a network call, as the executable was made for
 */
export function* measureSwaps(
  network: Network,
  images: Float32Array,
  batch: number,
): Generator<void, Swap[], void> {
  const { config, geometry, schedule } = network;
  const { k } = geometry.spec;
  const used = Math.min(k, MOST_PROTOTYPES);
  const pixels = config.data.image_size ** 2 * config.data.channels;
  const count = images.length / pixels;
  const eps = new Float32Array(images.length);
  for (let i = 0; i < count; i++) {
    stream(config.seed, 'probe', NOISE + i).fillNormal(eps.subarray(i * pixels, (i + 1) * pixels));
  }
  const cases = Array.from({ length: count * used }, (_, i) => ({
    image: Math.floor(i / used),
    prototype: Math.floor(((i % used) * k) / used),
  }));
  let shares = new Float32Array(0);
  const denoise = denoiser(network, batch, () => shares);

  const swaps: Swap[] = [];
  for (let i = 0; i < TIMES; i++) {
    const t = Math.floor(((i + 0.5) * config.diffusion.timesteps) / TIMES);
    const { signal, noise } = qCoefficients(schedule, [t]);
    const x_t = images.map((x_0, at) => (signal[0] ?? 0) * x_0 + (noise[0] ?? 0) * (eps[at] ?? 0));
    const predicted: Float32Array[] = [];
    for (let from = 0; from < cases.length; from += batch) {
      const part = cases.slice(from, from + batch);
      const x = new Float32Array(batch * pixels);
      shares = new Float32Array(batch * k);
      part.forEach(({ image, prototype }, at) => {
        x.set(x_t.subarray(image * pixels, (image + 1) * pixels), at * pixels);
        shares[at * k + prototype] = 1;
      });
      const out = denoise(x, t, 0);
      part.forEach((_, at) => predicted.push(out.slice(at * pixels, (at + 1) * pixels)));
      yield;
    }
    swaps.push({ t, change: meanChange(predicted, used) });
  }
  return swaps;
}

/** @param predicted  those of each image follow each other, `used` of them */
export function meanChange(predicted: readonly Float32Array[], used: number): number {
  let sum = 0;
  let pairs = 0;
  for (let from = 0; from < predicted.length; from += used) {
    const group = predicted.slice(from, from + used);
    group.forEach((a, i) => {
      const size = norm(a);
      group.forEach((b, j) => {
        if (i === j) return;
        sum += norm(a, b) / size;
        pairs += 1;
      });
    });
  }
  return pairs === 0 ? 0 : sum / pairs;
}

/** ‖a - b‖ */
function norm(a: Float32Array, b?: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += ((a[i] as number) - (b?.[i] ?? 0)) ** 2;
  return Math.sqrt(sum);
}
