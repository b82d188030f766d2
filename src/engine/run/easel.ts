import type { RunConfig } from '@shared/config/run-config';
import type { NdArray } from '@shared/maths/ndarray';
import type { LoadedBackend } from '../backend';
import type { Executable } from '../backend/executable';
import { scheduleOf } from '../diffusion/schedule';
import type { Network } from '../training/denoiser';
import { geometryOf, samplingProgram } from '../training/program';
import { makeExecutable } from './open';

/** Pixels of one network call at most: 16 images of 64 x 64. A piece stays short beside a step. */
const MAX_PIXELS = 16 * 64 * 64;
const MAX_BATCH = 16;

/** Images of one network call when so many are wanted: even parts, few different sizes. */
export function batchFor(images: number, imageSize: number): number {
  const most = Math.max(1, Math.min(MAX_BATCH, Math.floor(MAX_PIXELS / imageSize ** 2)));
  const even = Math.ceil(images / Math.ceil(images / most));
  return most < 4 ? even : Math.ceil(even / 4) * 4;
}

/**
 * A network for pictures beside a training run, apart from the training state. The last one is
 * kept, so that the same model with other weights needs no capturing anew.
 */
export class Easel {
  private held: { key: string; network: Network; weights: NdArray<Float32Array> } | null = null;

  constructor(private readonly backend: LoadedBackend) {}

  /** @param weights [total] flat parameters; stay the caller's */
  prepare(config: RunConfig, batch: number, weights: NdArray<Float32Array>): Network {
    const { model, data, diffusion } = config;
    const key = JSON.stringify([model, data.image_size, data.channels, diffusion, batch]);
    if (this.held?.key !== key) {
      this.dispose();
      const geometry = geometryOf(config);
      const executable: Executable = makeExecutable(
        samplingProgram(config, geometry, copyOf(weights), batch),
        this.backend,
      );
      const schedule = scheduleOf(diffusion);
      this.held = { key, weights, network: { config, geometry, schedule, executable } };
    } else if (this.held.weights !== weights) {
      this.held.network.executable.write('snapshot', copyOf(weights));
      this.held.weights = weights;
    }
    return this.held.network;
  }

  dispose(): void {
    this.held?.network.executable.dispose();
    this.held = null;
  }
}

// An executable owns what it is given.
const copyOf = (weights: NdArray<Float32Array>): NdArray<Float32Array> => ({
  ...weights,
  data: weights.data.slice(),
});
