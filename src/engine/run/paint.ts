import { attendsToAll } from '@shared/config/family';
import { alike } from '@shared/config/sampling-rows';
import type { TrajectoryRow } from '@shared/config/sampling-rows';
import type { RunConfig } from '@shared/config/run-config';
import { listed } from '@shared/config/surgery';
import { AppError } from '@shared/errors';
import { stream } from '@shared/maths/rng';
import type { NdArray } from '@shared/maths/ndarray';
import { FINISHED } from '@shared/protocol/contract-trajectories';
import { SAMPLERS } from '../diffusion/choice';
import { denoiser } from '../training/denoiser';
import { shares } from '../training/shares';
import { batchFor } from './easel';
import type { Easel } from './easel';

/** One image to make. */
export interface Item extends TrajectoryRow {
  seed: number;
}

/** A moment on an image's way; each plane is [H, W, C], the reader's to keep. */
export interface Shot {
  item: number;
  /** Sampler step; `steps` for the finished image. */
  index: number;
  /** Timestep of x_t, FINISHED for the image. */
  t: number;
  x_t: Float32Array;
  x_0: Float32Array;
  eps: Float32Array;
}

export interface Painting {
  /** Of an item's run; all have the same image shape and chain. */
  config(run: Item['run']): RunConfig;
  items: readonly Item[];
  steps: number;
  eta: number;
  /** Sampler steps of which shots are wanted; the finished image always comes. */
  keep: ReadonlySet<number>;
}

export interface Weights {
  /** The run's, with as many prototypes as the weights have. */
  config: RunConfig;
  /** [K] the numbers of the bank's rows, or of the classes. */
  ids: readonly number[];
  /** Training step. */
  step: number;
  weights: NdArray<Float32Array>;
}

export interface Studio {
  easel: Easel;
  /** Live or stored weights of the run, as they are now. @throws AppError */
  weights(item: Pick<Item, 'weights' | 'checkpoint' | 'run'>): Weights;
}

/** Items that share a run, weights, a sampler and guidance, in batches of the network. */
interface Group {
  config: RunConfig;
  items: number[];
  batch: number;
}

function groupsOf({ items, config }: Painting): Group[] {
  const groups = new Map<string, number[]>();
  items.forEach(({ run, weights, checkpoint, sampler, guidance }, index) => {
    const key = `${run} ${weights} ${checkpoint} ${sampler} ${guidance}`;
    groups.set(key, [...(groups.get(key) ?? []), index]);
  });
  return [...groups.values()].map((of) => {
    const own = config(items[of[0] ?? 0]?.run ?? null);
    return { config: own, items: of, batch: batchFor(of.length, own.data.image_size) };
  });
}

/** Network calls that a painting takes. */
export function piecesOf(painting: Painting): number {
  return groupsOf(painting).reduce(
    (sum, { items, batch }) => sum + Math.ceil(items.length / batch) * painting.steps,
    0,
  );
}

/**
 * Makes the images, one network call at each `next()`; yields the shots of each call. Item by
 * item the result follows from the item alone: neither its neighbours nor the batch decide.
 * `onWeights` tells the training step of each item's weights: all live weights are taken at once.
 */
export function* paint(
  painting: Painting,
  studio: Studio,
  onWeights: (steps: number[]) => void,
): Generator<Shot[], void, void> {
  const { items, steps, eta, keep } = painting;
  const taken = new Map<string, Weights>();
  const used = items.map((item) => {
    const key = `${item.run} ${item.weights} ${item.checkpoint}`;
    const weights = taken.get(key) ?? studio.weights(item);
    taken.set(key, weights);
    return weights;
  });
  onWeights(used.map(({ step }) => step));

  for (const group of groupsOf(painting)) {
    const { data } = group.config;
    const pixels = data.image_size ** 2 * data.channels;
    for (let from = 0; from < group.items.length; from += group.batch) {
      const part = group.items.slice(from, from + group.batch);
      const chosen = part.map((index) => items[index] as Item);
      const [first] = part;
      const own = first === undefined ? undefined : used[first];
      const sampler = SAMPLERS[chosen[0]?.sampler ?? 'ddim'];
      if (own === undefined) continue;
      const network = studio.easel.prepare(own.config, group.batch, own.weights);
      const x = new Float32Array(group.batch * pixels);
      const fill = (out: Float32Array, counter: number): void =>
        chosen.forEach(({ seed }, i) =>
          stream(seed, 'sample-noise', counter).fillNormal(
            out.subarray(i * pixels, (i + 1) * pixels),
          ),
        );
      fill(x, 0);
      const run = sampler(
        network.schedule,
        denoiser(
          network,
          group.batch,
          (step) => condition(own, chosen, group.batch, step),
          chosen[0]?.guidance,
        ),
        x,
        // As the run's previews: image 0 at step s draws from (s + 1)·2^20.
        { steps, eta, noise: (out, step) => fill(out, (step + 1) * 2 ** 20) },
      );
      const cut = (plane: Float32Array, i: number): Float32Array =>
        plane.slice(i * pixels, (i + 1) * pixels);
      let x_t = x.slice();
      for (const { step, t, x: next, x_0_pred, eps } of run) {
        const shots: Shot[] = [];
        if (keep.has(step)) {
          part.forEach((item, i) =>
            shots.push({
              item,
              index: step,
              t,
              x_t: cut(x_t, i),
              x_0: cut(x_0_pred, i),
              eps: cut(eps, i),
            }),
          );
        }
        if (step === steps - 1) {
          part.forEach((item, i) => {
            const image = cut(next, i);
            const none = new Float32Array(pixels);
            shots.push({ item, index: steps, t: FINISHED, x_t: image, x_0: image, eps: none });
          });
        }
        x_t = next.slice();
        yield shots;
      }
    }
  }
}

/** [batch, K] shares at a sampler step; places of the batch without an item have any. */
function condition(
  { config: { model }, ids, step: taken }: Weights,
  items: readonly Item[],
  batch: number,
  step: number,
): Float32Array {
  const { k } = model;
  const chosen = Array.from({ length: batch }, (_, i) => {
    const { prototypes, seed } = items[i] ?? { prototypes: alike(0), seed: 0 };
    if (prototypes.length > 0 || attendsToAll(model)) {
      return prototypes.map((part) => ({ ...part, prototype: rowOf(part.prototype, ids, taken) }));
    }
    return alike(stream(seed, 'sample-draw', step).int(k));
  });
  return shares(k, chosen);
}

/** @throws AppError bad_config for a prototype that the weights do not have */
function rowOf(prototype: number, ids: readonly number[], step: number): number {
  const row = ids.indexOf(prototype);
  if (row >= 0) return row;
  throw new AppError(
    'bad_config',
    `There is no prototype ${prototype} at step ${step}: there are ${listed(ids)}.`,
    { remedy: 'Choose one of these, or a checkpoint that has it.' },
  );
}
