import * as tf from '@tensorflow/tfjs';
import { FAMILY } from '@shared/config/family';
import type { RunConfig } from '@shared/config/run-config';
import { ndarray } from '@shared/maths/ndarray';
import { stream } from '@shared/maths/rng';
import type { ProbeSet } from '../../store/port';
import type { NdArray } from '@shared/maths/ndarray';
import type { Arrays, Executable, Program } from '../backend/executable';
import { gatherBatch } from '../data/batch';
import type { Dataset } from '../data/dataset';
import { indexOf } from '../diffusion/prototype-loss';
import { named, unflatten } from '../nn/flat';
import { bank, distances, encode } from '../nn/prototypes';
import type { Geometry } from './program';

/** Probe images of a run, about: fewer where features are wide, for all are stored at each snapshot. */
const IMAGES = 384;
const FEATURE_NUMBERS = IMAGES * 256;
/** Images of one encoder call, and its pixels at most: a call stays short beside a step. */
const BATCH = 128;
const BATCH_PIXELS = 128 * 32 * 32;

/** Counters of the stream `probe`: what is drawn by it. */
const PROBE_SET = 0;
const ORDER = 1;

/** Steps between snapshots of the prototypes, 0 for none: a model without a bank has none to take. */
export function probeEvery({ model, training }: RunConfig): number {
  return FAMILY[model.variant].bank ? training.probe_every : 0;
}

/** Images that go through the encoder together, out of a data set of so many. */
export function probeBatch({ data }: RunConfig, images: number): number {
  const most = Math.max(8, Math.floor(BATCH_PIXELS / data.image_size ** 2));
  return Math.min(BATCH, most, images);
}

/**
 * The images that a run's snapshots follow: drawn by the run's seed, of every class alike where
 * there are labels, in turn, so that each batch has all classes. Whole batches: BatchNorm is in
 * train mode, so the features of an image depend on the others of its batch.
 */
export function probeSet(config: RunConfig, { dim }: { dim: number }, data: Dataset): ProbeSet {
  const batch = probeBatch(config, data.count);
  const wanted = Math.min(IMAGES, Math.floor(FEATURE_NUMBERS / dim), data.count);
  const count = Math.max(batch, wanted - (wanted % batch));
  const order = stream(config.seed, 'probe', PROBE_SET).permutation(data.count);
  const index = Int32Array.from(inTurn(order, data.labels).slice(0, count));
  const { labels } = data;
  return {
    index,
    labels: labels && Int32Array.from(index, (image) => labels[image] ?? 0),
    classes: data.classes,
  };
}

/** The first image of each class, then the second of each, …; within a class in the order given. */
function inTurn(order: Int32Array, labels: Int32Array | null): number[] {
  const classes = new Map<number, number[]>();
  for (const image of order) {
    const label = labels?.[image] ?? 0;
    const members = classes.get(label);
    if (members === undefined) classes.set(label, [image]);
    else members.push(image);
  }
  const queues = [...classes].sort(([a], [b]) => a - b).map(([, members]) => members);
  const longest = queues.reduce((most, { length }) => Math.max(most, length), 0);
  const out: number[] = [];
  for (let turn = 0; turn < longest; turn++) {
    for (const members of queues) {
      const image = members[turn];
      if (image !== undefined) out.push(image);
    }
  }
  return out;
}

/**
 * `most` images of a data set, evenly taken, in an order drawn by the seed: batches of a folder in
 * its own order would hold one class each, and BatchNorm would take the class out of them.
 */
export function shuffled(seed: number, images: number, most: number): Int32Array {
  const n = Math.min(images, most);
  const order = stream(seed, 'probe', ORDER).permutation(n);
  return order.map((i) => Math.floor((i * images) / n));
}

/**
 * The encoder as a function of a program: `features` [batch, dim] of images `x_0`, the prototype
 * each is conditioned on as `index` [batch], and the `bank` [K, dim], from the raw weights `params`,
 * which it leaves as they are. BatchNorm is in train mode, as everywhere in the reference.
 */
export function probeFunction(
  config: RunConfig,
  { spec, layout }: Geometry,
  batch: number,
): Program['functions'][string] {
  const { image_size, channels } = config.data;
  return {
    example: () => ({
      x_0: ndarray(new Float32Array(batch * image_size ** 2 * channels), [
        batch,
        image_size,
        image_size,
        channels,
      ]),
      labels: ndarray(new Int32Array(batch), [batch]),
    }),
    run: (state, inputs) => {
      const params = named(layout, unflatten(layout, state.params as tf.Tensor1D));
      const { features } = encode(params, inputs.x_0 as tf.Tensor4D);
      const prototypes = bank(params);
      const index = indexOf(spec, distances(features, prototypes), inputs.labels as tf.Tensor1D);
      return { outputs: { features, index: tf.clone(index), bank: tf.clone(prototypes) } };
    },
  };
}

/** Only the encoder, for the images of a whole data set. */
export function probeProgram(
  config: RunConfig,
  geometry: Geometry,
  params: NdArray<Float32Array>,
  batch: number,
): Program {
  return { state: { params }, functions: { probe: probeFunction(config, geometry, batch) } };
}

/** What the encoder says of one batch of a data set; see probeFunction. */
export function callProbe(executable: Executable, data: Dataset, index: Int32Array): Arrays {
  const { height, width, channels } = data;
  const n = index.length;
  return executable.call('probe', {
    x_0: ndarray(gatherBatch(data, index), [n, height, width, channels]),
    labels: ndarray(
      Int32Array.from(index, (image) => data.labels?.[image] ?? 0),
      [n],
    ),
  });
}
