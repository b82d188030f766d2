import type { RunConfig } from '@shared/config/run-config';
import type { NdArray } from '@shared/maths/ndarray';
import type { LoadedBackend } from '../backend';
import type { Dataset } from '../data/dataset';
import { callProbe, probeBatch, probeProgram, shuffled } from '../training/probe';
import { geometryOf } from '../training/program';
import { makeExecutable } from './open';

/** Images that are looked at, of a larger data set evenly taken ones. */
const MOST_IMAGES = 20_000;

export interface Nearest {
  /** Position in the data set. */
  image: number;
  distance: number;
}

/** Encoder calls that it takes. */
export function exemplarCalls(config: RunConfig, images: number): number {
  return Math.ceil(Math.min(images, MOST_IMAGES) / probeBatch(config, images));
}

/**
 * The images of a data set nearest to each prototype by f_phi, one encoder call at each `next()`;
 * yields, for each prototype, the nearest so far, best first. Weights are the raw ones, as training
 * sees them; BatchNorm is in train mode over batches of shuffled images.
 */
export function* exemplars(
  config: RunConfig,
  data: Dataset,
  weights: NdArray<Float32Array>,
  count: number,
  backend: LoadedBackend,
): Generator<Nearest[][], void, void> {
  const geometry = geometryOf(config);
  const { k, dim } = geometry.spec;
  const batch = probeBatch(config, data.count);
  const order = shuffled(config.seed, data.count, MOST_IMAGES);
  const best: Nearest[][] = Array.from({ length: k }, () => []);
  const executable = makeExecutable(probeProgram(config, geometry, weights, batch), backend);
  try {
    for (let from = 0; from < order.length; from += batch) {
      // The last batch is whole too: it begins earlier, and its first images are seen already.
      const start = Math.min(from, order.length - batch);
      const index = order.slice(start, start + batch);
      const { features, bank } = callProbe(executable, data, index);
      for (let i = from - start; i < batch; i++) {
        const feature = features?.data.subarray(i * dim, (i + 1) * dim) as Float32Array;
        best.forEach((nearest, prototype) => {
          const at = prototype * dim;
          const distance = apart(feature, bank?.data.subarray(at, at + dim) as Float32Array);
          insert(nearest, { image: index[i] ?? 0, distance }, count);
        });
      }
      yield best;
    }
  } finally {
    executable.dispose();
  }
}

/** Keeps the `count` nearest, in order. */
function insert(nearest: Nearest[], found: Nearest, count: number): void {
  if (nearest.length === count && found.distance >= (nearest.at(-1)?.distance ?? 0)) return;
  const at = nearest.findIndex(({ distance }) => distance > found.distance);
  nearest.splice(at < 0 ? nearest.length : at, 0, found);
  nearest.length = Math.min(nearest.length, count);
}

/** Euclidean. */
function apart(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += ((a[i] as number) - (b[i] as number)) ** 2;
  return Math.sqrt(sum);
}
