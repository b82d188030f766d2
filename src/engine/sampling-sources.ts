import { choicesOf } from '@shared/config/family';
import { guidanceProblem } from '@shared/config/run-config';
import type { RunConfig } from '@shared/config/run-config';
import { listed } from '@shared/config/surgery';
import type { Bank } from '@shared/config/surgery';
import { comparable } from '@shared/config/sampling-rows';
import { AppError } from '@shared/errors';
import { ndarray } from '@shared/maths/ndarray';
import type { NdArray } from '@shared/maths/ndarray';
import type { SubscriptionEvent, SubscriptionInput } from '@shared/protocol/contract';
import { FINISHED } from '@shared/protocol/contract-trajectories';
import type { TrajectoryFrame } from '@shared/protocol/contract-trajectories';
import type { Source } from '@shared/protocol/service';
import { leadingTimesteps, toPixels } from './diffusion/samplers';
import type { Dataset } from './data/dataset';
import type { Jobs } from './run/jobs';
import { paint, piecesOf } from './run/paint';
import type { Item, Painting, Shot, Studio } from './run/paint';
import { workSource } from './work-source';

export interface SamplingContext {
  jobs: Jobs;
  /** A run's configuration and the prototypes that it has now. @throws AppError not_found */
  config(run: string): RunConfig;
  bank(run: string): Bank;
  studio(run: string): Studio;
  /** A run's images, as they were when it began. @throws AppError bad_data */
  dataset(run: string): Promise<Dataset>;
}

/** Bytes of all frames of one grid at most. */
const MAX_BYTES = 256 * 1024 * 1024;
/** Half the span of eps that is kept as pixels. */
const EPS_SPAN = 3;

export function trajectorySource(
  context: SamplingContext,
  input: SubscriptionInput<'trajectory'>,
  changed: () => void,
): Source<SubscriptionEvent<'trajectory'>> {
  const config = configs(context, input.run);
  const { rows, seed, steps, eta } = input;
  const items = rows.map((row): Item => ({ ...row, seed }));
  const columns = Math.min(input.columns, steps);
  const shape = imageShape(config(null));
  refuse(context, input.run, items, steps, rows.length * (columns + 1) * 3);
  const indices = Array.from({ length: columns }, (_, c) =>
    Math.round((c * (steps - 1)) / Math.max(1, columns - 1)),
  );
  const timesteps = leadingTimesteps(config(null).diffusion.timesteps, steps);
  const column = new Map([...indices, steps].map((index, at) => [index, at]));
  const firstRow = new Map<number, Float32Array>();
  let weights_steps: number[] = [];
  let pending: { frame: TrajectoryFrame; shot: Shot }[] = [];
  const painting = { config, items, steps, eta, keep: new Set(indices) };
  return workSource(
    context.jobs,
    {
      total: piecesOf(painting),
      begin: () => paint(painting, context.studio(input.run), (taken) => (weights_steps = taken)),
      add: (shots: Shot[]) =>
        shots.forEach((shot) => {
          const at = column.get(shot.index) ?? 0;
          if (shot.item === 0) firstRow.set(at, shot.x_0);
          const apart = rms(shot.x_0, firstRow.get(at) ?? shot.x_0);
          pending.push({ frame: { row: shot.item, column: at, t: shot.t, apart }, shot });
        }),
      take: (progress) => {
        const sent = pending;
        pending = [];
        const plane = (of: (shot: Shot) => Float32Array): NdArray<Uint8Array> =>
          stack(
            sent.map(({ shot }) => toPixels(of(shot))),
            shape,
          );
        return {
          ...progress,
          columns: [...indices.map((index) => timesteps[index] ?? 0), FINISHED],
          weights_steps,
          frames: sent.map(({ frame }) => frame),
          x_t: plane(({ x_t }) => x_t),
          x_0: plane(({ x_0 }) => x_0),
          eps: plane(({ eps }) => eps.map((value) => value / EPS_SPAN)),
        };
      },
    },
    changed,
  );
}

/** @throws AppError bad_config saying what cannot be made */
export function refuse(
  context: SamplingContext,
  own: string,
  items: readonly Item[],
  steps: number,
  planes: number,
): void {
  const config = configs(context, own);
  for (const { run, prototypes, guidance } of items) {
    const whose = run === null ? 'this run' : run;
    const known = choicesOf(config(run).model) === 0 ? null : context.bank(run ?? own);
    // A checkpoint may have one that is gone since: that is looked at where its weights are known.
    const wrong = prototypes.find(({ prototype }) => prototype >= (known?.next ?? 0))?.prototype;
    if (wrong !== undefined) {
      const has = known === null ? 'none' : listed(known.ids);
      throw new AppError('bad_config', `There is no prototype ${wrong}: ${whose} has ${has}.`, {
        remedy: known === null ? 'Choose none.' : 'Choose one of these.',
      });
    }
    const unguided = guidance === 1 ? null : guidanceProblem(config(run));
    if (unguided !== null) {
      throw new AppError('bad_config', `Images of ${whose} cannot be guided: ${unguided}.`);
    }
    if (!comparable(config(null), config(run))) {
      throw new AppError(
        'bad_config',
        `Images of ${run} do not stand beside this run's: size, channels or timesteps differ.`,
        { remedy: 'Choose a run of the same image shape and chain length.' },
      );
    }
  }
  const { timesteps } = config(null).diffusion;
  if (steps > timesteps) {
    throw new AppError(
      'bad_config',
      `${steps} sampling steps exceed the chain's ${timesteps} timesteps.`,
      { remedy: `Choose ${timesteps} at most.` },
    );
  }
  const bytes = planes * imageShape(config(null)).reduce((product, extent) => product * extent, 1);
  if (bytes > MAX_BYTES) {
    throw new AppError('bad_config', 'That many images of this size do not fit in memory.', {
      remedy: 'Choose fewer rows or columns.',
    });
  }
}

/** Configurations by an item's run, each read once; null is the painting's own run. */
export function configs({ config }: SamplingContext, own: string): Painting['config'] {
  const read = new Map<string, RunConfig>();
  return (run) => {
    const name = run ?? own;
    const found = read.get(name) ?? config(name);
    read.set(name, found);
    return found;
  };
}

export function imageShape({ data }: RunConfig): [height: number, width: number, channels: number] {
  return [data.image_size, data.image_size, data.channels];
}

export function stack(images: Uint8Array[], shape: readonly number[]): NdArray<Uint8Array> {
  const size = shape.reduce((product, extent) => product * extent, 1);
  const data = new Uint8Array(images.length * size);
  images.forEach((image, i) => data.set(image, i * size));
  return ndarray(data, [images.length, ...shape]);
}

function rms(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += ((a[i] ?? 0) - (b[i] ?? 0)) ** 2;
  return Math.sqrt(sum / a.length);
}
