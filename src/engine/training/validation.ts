import { measuredOn } from '@shared/config/held-out';
import type { RunConfig } from '@shared/config/run-config';
import { stream } from '@shared/maths/rng';
import type { ValidationMetrics } from '@shared/protocol/contract';
import type { Executable } from '../backend/executable';
import { gatherBatch } from '../data/batch';
import type { Dataset } from '../data/dataset';
import { splitOf } from '../data/split';
import type { Schedule } from '../diffusion/schedule';
import { batchInputs } from './batch-inputs';
import type { Draws } from './batch-inputs';
import type { Geometry } from './program';

/** One image at one timestep. */
interface Case {
  image: number;
  t: number;
}

/**
 * The cases of a validation: each fixed image once, at a timestep of its own. Timesteps are
 * stratified: of M cases, case j draws t from the j-th of M even parts of the chain.
 */
export function casesOf(dataset: Dataset, config: RunConfig): Case[] {
  const measured = measuredOn(dataset.count, config);
  const images = (
    measured.held
      ? splitOf(dataset.count, config.data.validation).held
      : stream(0, 'validation', 0).permutation(dataset.count)
  ).subarray(0, measured.count);
  const T = config.diffusion.timesteps;
  const rng = stream(0, 'validation', 1);
  return Array.from(images, (image, j) => ({
    image,
    t: Math.min(T - 1, Math.floor(((j + rng.uniform()) * T) / images.length)),
  }));
}

/**
 * The diffusion loss of the averaged weights on fixed images, noise and timesteps, one network
 * call at each `next()`. The average is what pictures are made from. Everything drawn is keyed
 * apart from the run's seed, so runs over the same images compare, and equal weights give equal
 * bits. Prototypes are assigned and BatchNorm works as in training, batch by batch.
 *
 * @returns the mean over all cases and over those of each quarter of the chain, q0 the least noise
 */
export function* validate(
  config: RunConfig,
  { spec }: Geometry,
  dataset: Dataset,
  schedule: Schedule,
  executable: Executable,
): Generator<void, ValidationMetrics, void> {
  const cases = casesOf(dataset, config);
  const B = config.training.batch_size;
  const sums = new Float64Array(4);
  const counts = new Float64Array(4);
  for (let from = 0; from < cases.length; from += B) {
    // A last batch that is not whole begins the cases anew; those are not counted twice.
    const batch = Array.from({ length: B }, (_, i) => cases[(from + i) % cases.length] as Case);
    const { errors } = executable.call(
      'errors',
      batchInputs(config, spec, schedule, drawsOf(batch, dataset)),
    );
    batch.slice(0, cases.length - from).forEach(({ t }, i) => {
      const quarter = Math.floor((4 * t) / schedule.timesteps);
      sums[quarter] = (sums[quarter] ?? 0) + (errors?.data[i] ?? NaN);
      counts[quarter] = (counts[quarter] ?? 0) + 1;
    });
    yield;
  }
  const mean = (quarter: number): number => (sums[quarter] ?? NaN) / (counts[quarter] ?? NaN);
  return {
    'val/loss': sums.reduce((a, b) => a + b, 0) / cases.length,
    'val/loss_q0': mean(0),
    'val/loss_q1': mean(1),
    'val/loss_q2': mean(2),
    'val/loss_q3': mean(3),
  };
}

function drawsOf(batch: readonly Case[], dataset: Dataset): Draws {
  const images = batch.map(({ image }) => image);
  const x_0 = gatherBatch(dataset, images);
  const eps = new Float32Array(x_0.length);
  const pixels = x_0.length / batch.length;
  // The noise belongs to the image: it stays when more are held out or the batch changes.
  images.forEach((image, i) =>
    stream(0, 'validation', 2 + image).fillNormal(eps.subarray(i * pixels, (i + 1) * pixels)),
  );
  return {
    x_0,
    eps,
    t: Int32Array.from(batch, ({ t }) => t),
    labels: Int32Array.from(images, (image) => dataset.labels?.[image] ?? 0),
  };
}
