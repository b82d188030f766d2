import { attendsToAll, choicesOf } from '@shared/config/family';
import type { RunConfig, SamplingConfig } from '@shared/config/run-config';
import { alike } from '@shared/config/sampling-rows';
import { ndarray } from '@shared/maths/ndarray';
import type { NdArray } from '@shared/maths/ndarray';
import { stream } from '@shared/maths/rng';
import type { Executable } from '../backend/executable';
import { SAMPLERS } from '../diffusion/choice';
import { toPixels } from '../diffusion/samplers';
import type { Schedule } from '../diffusion/schedule';
import { denoiser } from './denoiser';
import { shares } from './shares';
import type { Geometry } from './program';

export interface Picture {
  /** [N, H, W, C] u8 */
  images: NdArray<Uint8Array>;
  /**
   * Each image's prototype or class; of the last step where they change at every step. Empty where
   * images have none of their own.
   */
  prototypes: number[];
}

/**
 * Makes pictures from the executable's snapshot, one sampler step at each `next()`, so that
 * training can go on in between. Image i always starts from the same noise under one seed,
 * however many are made; the last value is the finished picture.
 *
 * Prototypes: `per_image` gives each image one, in turn (0, 1, … K-1, 0 …); `per_step` draws a
 * new one for every image at every step, as the reference does (its behaviour 13), but seeded;
 * `all` conditions every image on the whole bank, as a model that attends to all of it always is
 * unless one prototype is asked for.
 *
 * @param ids  [K] the numbers of the bank's rows
 */
export function* preview(
  config: RunConfig,
  sampling: SamplingConfig,
  geometry: Geometry,
  schedule: Schedule,
  executable: Executable,
  ids: readonly number[] = Array.from({ length: geometry.spec.k }, (_, id) => id),
): Generator<{ step: number; steps: number }, Picture, void> {
  const { image_size: size, channels } = config.data;
  const { spec } = geometry;
  const N = sampling.count;
  const shape = [N, size, size, channels];
  const pixels = size * size * channels;
  const x = perImage(N, pixels, (image) => stream(sampling.seed, 'sample-noise', image));
  const all = sampling.draw === 'all' || attendsToAll(spec);
  // Where the one that was asked for is gone, all have their turn.
  const asked = ids.indexOf(sampling.prototype ?? -1);
  const own = asked >= 0 || (choicesOf(spec) > 0 && !all);
  let rows = own ? Array.from({ length: N }, (_, i) => (asked >= 0 ? asked : i % spec.k)) : [];
  const condition = (step: number): Float32Array => {
    if (sampling.draw === 'per_step' && asked < 0) {
      const rng = stream(sampling.seed, 'sample-draw', step);
      rows = rows.map(() => rng.int(spec.k));
    }
    return shares(
      spec.k,
      Array.from({ length: N }, (_, i) => alike(...rows.slice(i, i + 1))),
    );
  };
  const network = { config, geometry, schedule, executable };
  const denoise = denoiser(network, N, condition, sampling.guidance);
  // A counter apart from the start noise: image i at step s draws from (s + 1)·2^20 + i.
  const noise = (out: Float32Array, step: number): void =>
    out.set(
      perImage(N, pixels, (image) =>
        stream(sampling.seed, 'sample-noise', (step + 1) * 2 ** 20 + image),
      ),
    );
  const sampler = SAMPLERS[sampling.sampler];
  for (const { step } of sampler(schedule, denoise, x, {
    steps: sampling.steps,
    eta: sampling.eta,
    noise,
  })) {
    yield { step: step + 1, steps: sampling.steps };
  }
  const prototypes = rows.map((row) => ids[row] ?? row);
  return { images: ndarray(toPixels(x), shape), prototypes };
}

function perImage(
  N: number,
  pixels: number,
  rngOf: (image: number) => ReturnType<typeof stream>,
): Float32Array {
  const out = new Float32Array(N * pixels);
  for (let i = 0; i < N; i++) rngOf(i).fillNormal(out.subarray(i * pixels, (i + 1) * pixels));
  return out;
}
