import { createHash } from 'node:crypto';
import type { Knobs } from '@shared/config/knobs';
import type { RunConfig } from '@shared/config/run-config';
import { AppError, NON_FINITE } from '@shared/errors';
import { ndarray } from '@shared/maths/ndarray';
import type { NdArray } from '@shared/maths/ndarray';
import { stream } from '@shared/maths/rng';
import type { Arrays, Executable } from '../backend/executable';
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
    readonly executable: Executable,
    /** Applied from the next step on; the caller changes it only between steps. */
    public knobs: Knobs,
    /** Steps completed. */
    public step: number,
    /** Rows of the bank that the next step leaves as they are; as `knobs`. */
    public frozen: readonly number[] = [],
  ) {
    this.schedule = scheduleOf(config.diffusion);
    this.split = splitOf(dataset.count, config.data.validation);
  }

  /** Images in an epoch. */
  get images(): number {
    return this.split.count;
  }

  /**
   * One step: `accumulate` batches, then one update.
   * @throws AppError non_finite when the loss is not a number: the weights are spoilt then
   */
  runStep(): StepReport {
    const { step } = this;
    const { accumulate } = this.config.training;
    const { phase, done, steps } = this.phase();
    const scalars = this.scalars(done, steps);
    const names = stepMetrics(this.geometry.spec, phase);
    const sums = new Map<StepMetric, number>();
    const index: number[] = [];
    for (let batch = 0; batch < accumulate; batch++) {
      const last = batch === accumulate - 1;
      const outputs = this.executable.call(
        `${last ? 'train' : 'gather'}_${phase}`,
        this.inputs(step * accumulate + batch, scalars),
      );
      names.forEach((name, i) => {
        const value = outputs.metrics?.data[i] ?? NaN;
        // The norm is of the one update; the losses are means over the batches.
        if (name === 'grad_norm') sums.set(name, value);
        else sums.set(name, (sums.get(name) ?? 0) + value / accumulate);
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

  /** All that the next step will be given, batch by batch. */
  nextInputs(): { phase: Phase; batches: Arrays[] } {
    const { phase, done, steps } = this.phase();
    const scalars = this.scalars(done, steps);
    const { accumulate } = this.config.training;
    const batches = Array.from({ length: accumulate }, (_, batch) =>
      this.inputs(this.step * accumulate + batch, scalars),
    );
    return { phase, batches };
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
