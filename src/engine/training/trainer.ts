import type { Knobs } from '@shared/config/knobs';
import type { RunConfig } from '@shared/config/run-config';
import { AppError } from '@shared/errors';
import { ndarray } from '@shared/maths/ndarray';
import { stream } from '@shared/maths/rng';
import type { Executable } from '../backend/executable';
import { batchIndices, gatherBatch } from '../data/batch';
import type { Dataset } from '../data/dataset';
import { splitOf } from '../data/split';
import type { Split } from '../data/split';
import { scheduleOf } from '../diffusion/schedule';
import type { Schedule } from '../diffusion/schedule';
import { batchInputs } from './batch-inputs';
import { BETA_1, BETA_2, emaRate, lrFactor } from './optimiser';
import type { Geometry } from './program';
import { STEP_METRICS, STEP_SCALARS } from './step';
import type { StepMetrics } from './step';
import { drawTimesteps } from './timesteps';

export interface StepReport {
  /** Steps completed, this one included. */
  step: number;
  metrics: StepMetrics;
  /** The rate that this step used. */
  lr: number;
  /** The prototype each image of the batch was conditioned on. */
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
  ) {
    this.schedule = scheduleOf(config.diffusion);
    this.split = splitOf(dataset.count, config.data.validation);
  }

  /** Images in an epoch. */
  get images(): number {
    return this.split.count;
  }

  /**
   * One step.
   * @throws AppError non_finite when the loss is not a number: the weights are spoilt then
   */
  runStep(): StepReport {
    const { config, step, knobs } = this;
    const B = config.training.batch_size;
    const { x_0, labels } = this.batch();
    const eps = stream(config.seed, 'noise', step).fillNormal(new Float32Array(x_0.length));
    const t = drawTimesteps(config, this.schedule, step, B);
    const { warmup_steps, lr_schedule, steps } = config.training;
    const lr = knobs.lr * lrFactor(lr_schedule, step, warmup_steps, steps);
    const scalars = {
      lr,
      weight_decay: knobs.weight_decay,
      tau: knobs.tau,
      alpha: knobs.alpha,
      beta: knobs.beta,
      clip_grad_norm: knobs.clip_grad_norm,
      ema_rate: emaRate(knobs.ema_decay, step),
      correction_1: 1 / (1 - BETA_1 ** (step + 1)),
      correction_2: 1 / (1 - BETA_2 ** (step + 1)),
    };
    const outputs = this.executable.call('train', {
      ...batchInputs(config, this.geometry.spec, this.schedule, { x_0, eps, t, labels }),
      scalars: ndarray(
        Float32Array.from(STEP_SCALARS, (name) => scalars[name]),
        [STEP_SCALARS.length],
      ),
    });
    const values = outputs.metrics?.data ?? new Float32Array(0);
    const metrics = Object.fromEntries(
      STEP_METRICS.map((name, i) => [name, values[i] ?? NaN]),
    ) as StepMetrics;
    const bad = STEP_METRICS.find((name) => !Number.isFinite(metrics[name]));
    if (bad !== undefined) {
      throw new AppError(
        'non_finite',
        `The ${bad} loss became ${metrics[bad]} at step ${step + 1}.`,
        {
          remedy: 'Continue from the last checkpoint with a lower learning rate.',
        },
      );
    }
    this.step = step + 1;
    return { step: this.step, metrics, lr, index: Int32Array.from(outputs.index?.data ?? []) };
  }

  private batch(): { x_0: Float32Array; labels: Int32Array } {
    const { config, dataset, step } = this;
    const B = config.training.batch_size;
    const { trained, count } = this.split;
    const drawn = batchIndices(config.seed, step, B, count);
    const indices = trained === null ? drawn : drawn.map((i) => trained[i] ?? -1);
    let flips: boolean[] | undefined;
    if (config.data.flip) {
      const rng = stream(config.seed, 'flip', step);
      flips = Array.from({ length: B }, () => rng.uniform() < 0.5);
    }
    const labels = Int32Array.from(indices, (i) => dataset.labels?.[i] ?? 0);
    return { x_0: gatherBatch(dataset, indices, flips), labels };
  }
}
