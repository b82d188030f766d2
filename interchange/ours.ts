import { attendsToAll, choicesOf } from '@shared/config/family';
import type { RunConfig } from '@shared/config/run-config';
import { ndarray } from '@shared/maths/ndarray';
import type { NdArray } from '@shared/maths/ndarray';
import { stream } from '@shared/maths/rng';
import { loadBackend } from '../src/engine/backend';
import { ddim } from '../src/engine/diffusion/samplers';
import { qCoefficients, scheduleOf } from '../src/engine/diffusion/schedule';
import { imagesFromReference, imagesToReference } from '../src/engine/nn/layout';
import { timeProjection, tokenTime } from '../src/engine/nn/time';
import { makeExecutable } from '../src/engine/run/open';
import { denoiser } from '../src/engine/training/denoiser';
import { geometryOf, samplingProgram } from '../src/engine/training/program';

const COUNT = 5;

/** What both sides are given: x_t NCHW, t from both ends of the chain, a condition each. */
export function inputsFor(config: RunConfig): Record<string, NdArray> {
  const { image_size: size, channels } = config.data;
  const { timesteps: T } = config.diffusion;
  const rng = stream(5, 'noise', 1);
  const x_t = rng.fillNormal(new Float32Array(COUNT * channels * size * size));
  const K = choicesOf(config.model);
  const index = Int32Array.from({ length: COUNT }, (_, i) => (3 * i + 1) % Math.max(K, 1));
  const shares = new Float32Array(COUNT * K);
  index.forEach((k, i) => (shares[i * K + k] = 1));
  if (K > 1) shares.set([0.75, 0.25], 0); // the first is a mean of two
  if (attendsToAll(config.model)) shares.fill(1 / K, K, 2 * K); // the second has all alike
  return {
    x_t: ndarray(x_t, [COUNT, channels, size, size]),
    t: ndarray(Int32Array.of(1, T >> 3, T >> 1, T - (T >> 3), T - 1), [COUNT]),
    ...(K > 0 && { shares: ndarray(shares, [COUNT, K]), index: ndarray(index, [COUNT]) }),
  };
}

/** What run_model.py puts out, by Protodiff. */
export async function outputsOf(
  config: RunConfig,
  weights: NdArray<Float32Array>,
  inputs: Record<string, NdArray>,
): Promise<Record<string, NdArray>> {
  const backend = await loadBackend();
  const geometry = geometryOf(config);
  const { spec } = geometry;
  const schedule = scheduleOf(config.diffusion);
  const executable = makeExecutable(samplingProgram(config, geometry, weights, COUNT), backend);
  const { x_t, t, shares, index } = inputs;
  if (!x_t || !t) throw new Error('inputs lack x_t or t');
  const images = imagesFromReference(x_t as NdArray<Float32Array>);
  const { signal, noise } = qCoefficients(schedule, t.data);
  const width = spec.block_out_channels[0] ?? 0;
  const eps = (condition: NdArray | undefined): NdArray => {
    const { eps } = executable.call('eps', {
      x_t: images,
      time_proj: ndarray(timeProjection(t.data, width), [COUNT, width]),
      token_time: ndarray(tokenTime(t.data, spec.time_embed_dim, spec.dim), [COUNT, spec.dim]),
      signal: ndarray(signal, [COUNT, 1, 1, 1]),
      noise: ndarray(noise, [COUNT, 1, 1, 1]),
      ...(condition && { shares: condition }),
    });
    if (!eps) throw new Error('no eps came out');
    return imagesToReference(eps as NdArray<Float32Array>);
  };
  try {
    const own = new Float32Array(COUNT * spec.k);
    index?.data.forEach((k, i) => (own[i * spec.k + k] = 1));
    const network = { config, geometry, schedule, executable };
    const x = images.data.slice();
    const run = ddim(
      schedule,
      denoiser(network, COUNT, () => own),
      x,
      { steps: 5, eta: 0 },
    );
    while (!run.next().done) continue;
    return {
      eps: eps(shares),
      ...(shares && { null: eps(ndarray(new Float32Array(shares.data.length), shares.shape)) }),
      picture: imagesToReference(ndarray(x, images.shape)),
    };
  } finally {
    executable.dispose();
  }
}
