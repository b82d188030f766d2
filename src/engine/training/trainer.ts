import { createHash } from 'node:crypto';
import type { Knobs } from '@shared/config/knobs';
import type { RunConfig } from '@shared/config/run-config';
import { AppError, NON_FINITE } from '@shared/errors';
import { ndarray } from '@shared/maths/ndarray';
import type { NdArray } from '@shared/maths/ndarray';
import { stream } from '@shared/maths/rng';
import type { Arrays, Executable } from '../backend/executable';
import { OutOfMemory } from '../backend/out-of-memory';
import { batchIndices, gatherBatch } from '../data/batch';
import type { Dataset } from '../data/dataset';
import { phasesOf } from '../diffusion/loss';
import type { Phase } from '../diffusion/loss';
import { scheduleOf } from '../diffusion/schedule';
import type { Schedule } from '../diffusion/schedule';
import { splitOf } from '../data/split';
import type { Split } from '../data/split';
import { batchInputs } from './batch-inputs';
import { augmentationsOf, keptOf } from './draws';
import { BETA_1, BETA_2, emaRate, lrFactor } from './optimiser';
import type { Geometry } from './program';
import { STEP_SCALARS, stepMetrics } from './step';
import type { StepMetric, StepMetrics, StepScalars } from './step';
import { hasBank } from '../nn/spec';
import { drawTimesteps } from './timesteps';

export interface StepReport {
  /** Steps completed, this one included. */
  step: number;
  metrics: StepMetrics;
  /** The rate that this step used. */
  lr: number;
  /** The prototype or class each image of the step was conditioned on; empty without conditioning. */
  index: Int32Array;
}

/**
 * Steps a model. Every random draw is keyed by (seed, purpose, step), so the step count is the
 * whole state of the randomness and a resumed run draws what an uninterrupted one would have.
 */
export class Trainer {
  readonly schedule: Schedule;
  private readonly split: Split;

  constructor(
    private readonly config: RunConfig,
    private readonly geometry: Geometry,
    private readonly dataset: Dataset,
    public executable: Executable,
    /** Applied from the next step on; the caller changes it only between steps. */
    public knobs: Knobs,
    /** Steps completed. */
    public step: number,
    /** Rows of the bank that the next step leaves as they are; as `knobs`. */
    public frozen: readonly number[] = [],
    /** Each batch is computed in so many even pieces. */
    public parts = 1,
  ) {
    this.schedule = scheduleOf(config.diffusion);
    this.split = splitOf(dataset.count, config.data.validation);
  }

  /** Images in an epoch. */
  get images(): number {
    return this.split.count;
  }

  /** Goes on with another program of the same state, made for batches in `parts` pieces. */
  reshape(executable: Executable, parts: number): void {
    this.executable = executable;
    this.parts = parts;
  }

  /**
   * One step: `accumulate` batches, each in `parts` pieces, then one update.
   * @throws AppError non_finite when the loss is not a number: the weights are spoilt then
   * @throws OutOfMemory with the state as it was before the step
   */
  runStep(): StepReport {
    const pieces = this.config.training.accumulate * this.parts;
    if (pieces === 1) return this.attempt(pieces);
    // Every piece but the last leaves something behind.
    const running = this.executable.read('running');
    try {
      return this.attempt(pieces);
    } catch (thrown) {
      if (thrown instanceof OutOfMemory) {
        const { total } = this.geometry.layout;
        this.executable.write('running', running);
        this.executable.write('gradient', ndarray(new Float32Array(total), [total]));
      }
      throw thrown;
    }
  }

  private attempt(pieces: number): StepReport {
    const { step } = this;
    const { phase, done, steps } = this.phase();
    const scalars = this.scalars(done, steps);
    const names = stepMetrics(this.geometry.spec, phase);
    const sums = new Map<StepMetric, number>();
    const index: number[] = [];
    let piece = 0;
    for (const inputs of this.stepInputs(scalars)) {
      piece += 1;
      const outputs = this.executable.call(
        `${piece === pieces ? 'train' : 'gather'}_${phase}`,
        inputs,
      );
      names.forEach((name, i) => {
        const value = outputs.metrics?.data[i] ?? NaN;
        // The norm is of the one update; the losses are means over the batches.
        if (name === 'grad_norm') sums.set(name, value);
        else sums.set(name, (sums.get(name) ?? 0) + value / pieces);
      });
      index.push(...(outputs.index?.data ?? []));
    }
    const metrics = Object.fromEntries(sums) as StepMetrics;
    const bad = names.find((name) => !Number.isFinite(metrics[name]));
    if (bad !== undefined) {
      throw new AppError(
        'non_finite',
        `Step ${step + 1} ${NON_FINITE}: ${bad === 'grad_norm' ? 'the gradient' : `the ${bad} loss`} became ${metrics[bad]}.`,
        {
          remedy: 'Go back to the last checkpoint with half the learning rate.',
        },
      );
    }
    this.step = step + 1;
    return { step: this.step, metrics, lr: scalars.lr, index: Int32Array.from(index) };
  }

  /** SHA-256 of what the next batch is: images, noise, timesteps, labels; the same after a resume. */
  nextBatchSha256(): string {
    const { done, steps } = this.phase();
    const first = this.step * this.config.training.accumulate;
    const {
      scalars: _knobs,
      trains: _frozen,
      ...batch
    } = this.inputs(first, this.scalars(done, steps));
    const hash = createHash('sha256');
    for (const name of Object.keys(batch).sort()) {
      const { data } = batch[name] as NdArray;
      hash.update(name).update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    }
    return hash.digest('hex');
  }

  /** All that the next step will be given, piece by piece. */
  nextInputs(): { phase: Phase; batches: Arrays[] } {
    const { phase, done, steps } = this.phase();
    const scalars = this.scalars(done, steps);
    return { phase, batches: [...this.stepInputs(scalars)] };
  }

  /** What a step is given: its batches, drawn whole however many pieces they are computed in. */
  private *stepInputs(scalars: StepScalars): Generator<Arrays, void, void> {
    const { accumulate } = this.config.training;
    for (let batch = 0; batch < accumulate; batch++) {
      yield* piecesOf(this.inputs(this.step * accumulate + batch, scalars), this.parts);
    }
  }

  /** What the next step trains, how many steps of that are done, and how many there are. */
  private phase(): { phase: Phase; done: number; steps: number } {
    const { prototype_steps, steps } = this.config.training;
    const [first = 'joint', second] = phasesOf(this.geometry.spec);
    if (second === undefined) return { phase: first, done: this.step, steps };
    return this.step < prototype_steps
      ? { phase: first, done: this.step, steps: prototype_steps }
      : { phase: second, done: this.step - prototype_steps, steps: steps - prototype_steps };
  }

  /** Each phase has a warm-up, a decay and moments of its own. */
  private scalars(done: number, steps: number): StepScalars {
    const { knobs } = this;
    const { warmup_steps, lr_schedule } = this.config.training;
    return {
      lr: knobs.lr * lrFactor(lr_schedule, done, warmup_steps, steps),
      weight_decay: knobs.weight_decay,
      tau: knobs.tau,
      alpha: knobs.alpha,
      beta: knobs.beta,
      clip_grad_norm: knobs.clip_grad_norm,
      ema_rate: emaRate(knobs.ema_decay, done),
      correction_1: 1 / (1 - BETA_1 ** (done + 1)),
      correction_2: 1 / (1 - BETA_2 ** (done + 1)),
    };
  }

  /** One batch with its draws, all keyed by the batch's number: its step, without accumulation. */
  private inputs(counter: number, scalars: StepScalars): Arrays {
    const { config, dataset, schedule } = this;
    const { spec } = this.geometry;
    const B = config.training.batch_size;
    const { trained, count } = this.split;
    const drawn = batchIndices(config.seed, counter, B, count);
    const indices = trained === null ? drawn : drawn.map((i) => trained[i] ?? -1);
    const x_0 = gatherBatch(dataset, indices, augmentationsOf(config, counter));
    const eps = stream(config.seed, 'noise', counter).fillNormal(new Float32Array(x_0.length));
    const t = drawTimesteps(config, schedule, counter, B);
    const labels = Int32Array.from(indices, (i) => dataset.labels?.[i] ?? 0);
    const keep = keptOf(config, counter);
    return {
      ...batchInputs(config, spec, schedule, { x_0, eps, t, labels, keep }),
      scalars: ndarray(
        Float32Array.from(STEP_SCALARS, (name) => scalars[name]),
        [STEP_SCALARS.length],
      ),
      ...(hasBank(spec) && { trains: this.trains() }),
    };
  }
  /** [K, 1] */
  private trains(): NdArray<Float32Array> {
    const { k } = this.geometry.spec;
    const rows = new Float32Array(k).fill(1);
    for (const row of this.frozen) rows[row] = 0;
    return ndarray(rows, [k, 1]);
  }
}

/** What is of a step, not of its images. */
const WHOLE = new Set(['scalars', 'trains']);

/** Even pieces of a batch, in its order. */
function piecesOf(batch: Arrays, parts: number): Arrays[] {
  if (parts === 1) return [batch];
  return Array.from({ length: parts }, (_, part) =>
    Object.fromEntries(
      Object.entries(batch).map(([name, { data, shape }]) => {
        if (WHOLE.has(name)) return [name, ndarray(data.slice(), [...shape])];
        const [images = 0, ...rest] = shape;
        const size = data.length / parts;
        const piece = data.slice(part * size, (part + 1) * size);
        return [name, ndarray(piece, [images / parts, ...rest])];
      }),
    ),
  );
}
