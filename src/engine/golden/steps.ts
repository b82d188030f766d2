import * as tf from '@tensorflow/tfjs';
import { BETA_1, BETA_2, lrFactor } from '../training/optimiser';
import { STEP_SCALARS, stepMetrics, trainStep } from '../training/step';
import type { StepMetric, TrainState } from '../training/step';
import { ABSENT, absentRow, figuresRow, norm, TOLERANCE } from './compare';
import type { Row } from './compare';
import { runningRow } from './losses';
import type { PackConfig, Steps } from './manifest';
import type { Arrays, Pack } from './pack';
import { batchFrom, labelled } from './state';
import type { Subject } from './state';
import { partsOf, worstRow } from './tensors';

/** AdamW updates with clipping: at a constant rate for both variants, and under the schedule. */
export function stepRows(subject: Subject): Row[] {
  const { pack } = subject;
  const { step, config } = pack;
  const stored = pack.tensors('step');
  if (step === null || stored === null || !config.optimizer) return [absentRow('adamw', ABSENT)];
  const { variant, alt_variant } = config;
  const rows = follow(subject, { variant, name: `adamw.${variant}`, steps: step, stored });
  const { alt, scheduled } = step;
  if (alt_variant) {
    const name = `adamw.${alt_variant}`;
    rows.push(
      ...(alt
        ? follow(subject, { variant: alt_variant, name, steps: alt, stored: batchesOf(stored) })
        : [absentRow(name, ABSENT)]),
    );
  }
  const name = 'adamw.scheduled';
  if (!scheduled) return [...rows, absentRow(name, ABSENT)];
  rows.push(ratesRow(`${name}.lr`, scheduled, config.optimizer.lr));
  const own = scheduled.variant ?? variant;
  rows.push(
    ...follow(subject, { variant: own, name, steps: scheduled, stored: batchesOf(stored) }),
  );
  return rows;
}

/** The batches alone: the stored parameters are of the pack's own variant at a constant rate. */
function batchesOf(stored: Arrays): Arrays {
  return Object.fromEntries(Object.entries(stored).filter(([name]) => name.startsWith('batch.')));
}

function ratesRow(quantity: string, { steps, ...of }: Steps, base: number): Row {
  const { warmup_steps, training_steps } = of;
  if (warmup_steps === undefined || training_steps === undefined) {
    return absentRow(quantity, ABSENT, TOLERANCE.rate);
  }
  const pairs = steps.map(({ lr }, i) => ({
    ours: base * lrFactor('cosine', i, warmup_steps, training_steps),
    theirs: lr,
  }));
  return figuresRow(quantity, pairs, TOLERANCE.rate);
}

interface Course {
  name: string;
  variant: 'pdm' | 'spdm';
  steps: Steps;
  stored: Arrays;
}

function follow(subject: Subject, { name, variant, steps, stored }: Course): Row[] {
  const { pack, layout, state: start } = subject;
  const { optimizer } = pack.config;
  if (!optimizer) return [absentRow(name, ABSENT)];
  const spec = { ...pack.spec, variant };
  const metrics = stepMetrics(spec, 'joint');
  const seen: { metric: (name: StepMetric) => number; of: Steps['steps'][number] }[] = [];
  const tensors: Row[] = [];
  let state = start;
  let flat: Float32Array | undefined;
  for (const [i, of] of steps.steps.entries()) {
    const prefix = `batch.${i}.`;
    const batch = labelled(variant, stored, prefix) ? batchFrom(subject, stored, prefix) : null;
    if (batch === null) break;
    const scalars = scalarsOf(pack, optimizer, of.lr, i);
    const inputs = { ...batch, scalars: tf.tensor1d(STEP_SCALARS.map((key) => scalars[key])) };
    const result = trainStep({ spec, layout, phase: 'joint' }, state, inputs);
    const values = result.outputs.metrics.dataSync();
    seen.push({ metric: (key) => values[metrics.indexOf(key)] ?? NaN, of });
    tf.dispose([inputs, result.outputs] as unknown as tf.TensorContainer);
    if (state !== start) tf.dispose(state as unknown as tf.TensorContainer);
    state = result.state;
    flat = state.params.dataSync() as Float32Array;
    if (Object.keys(stored).some((key) => key.startsWith(`after${i + 1}.`))) {
      tensors.push(...afterRows(name, subject, state, stored, steps.steps.slice(0, i + 1)));
    }
  }
  if (state !== start) tf.dispose(state as unknown as tf.TensorContainer);
  if (flat === undefined) return [absentRow(name, `its batches are ${ABSENT}`)];
  return [
    ...figures(name, seen, steps.steps.length),
    ...tensors,
    ...normsRow(`${name}.after${seen.length}.norms`, subject, flat, steps.after5_l2),
  ];
}

/** Parameters and running statistics after the steps so far. */
function afterRows(
  name: string,
  { pack, layout }: Subject,
  state: TrainState,
  stored: Arrays,
  steps: Steps['steps'],
): Row[] {
  const after = `${name}.after${steps.length}`;
  const prefix = `after${steps.length}.`;
  // Each side moves by up to the rate at each step, in a direction that round-off decides.
  const bound = 1.1 * 2 * steps.reduce((sum, { lr }) => sum + lr, 0);
  const flat = state.params.dataSync() as Float32Array;
  const parameters = worstRow(after, layout, flat, stored, prefix, (_, key) =>
    pack.roundoffOnly(key) ? bound : TOLERANCE.parameter,
  );
  const running = state.running.dataSync() as Float32Array;
  const variance = runningRow(
    ...([`${after}.running_var`, pack, running, stored, prefix] as const),
    ['running_var'],
  );
  // After one step a pack may hold the parameters alone.
  if (variance.ok === null) return [parameters];
  // The biases before BatchNorm are among those that round-off moves, and the means go with them.
  const mean = runningRow(
    ...([`${after}.running_mean`, pack, running, stored, prefix] as const),
    ['running_mean'],
    bound,
  );
  return [parameters, variance, mean];
}

function figures(
  name: string,
  seen: { metric: (name: StepMetric) => number; of: Steps['steps'][number] }[],
  all: number,
): Row[] {
  const rowOf = (
    what: string,
    ours: (metric: (name: StepMetric) => number) => number,
    theirs: (of: Steps['steps'][number]) => number | null | undefined,
    tolerance: number = TOLERANCE.loss,
  ): Row => {
    const pairs = seen.map(({ metric, of }, i) => ({
      ours: ours(metric),
      theirs: theirs(of),
      where: `of ${all} steps, worst at ${i + 1}`,
    }));
    return figuresRow(`${name}.${what}`, pairs, tolerance);
  };
  return [
    rowOf(
      'total',
      (metric) => metric('total'),
      (of) => of.total,
    ),
    rowOf(
      'diffusion',
      (metric) => metric('diffusion'),
      (of) => of.diffusion,
    ),
    rowOf(
      'prototype',
      (metric) => metric('total') - metric('diffusion'),
      (of) => of.prototype,
    ),
    rowOf(
      'grad_norm',
      (metric) => metric('grad_norm'),
      (of) => of.grad_total_norm,
      TOLERANCE.gradientNorm,
    ),
  ];
}

function normsRow(
  quantity: string,
  { layout }: Subject,
  flat: Float32Array,
  stored: Record<string, number> | undefined,
): Row[] {
  if (stored === undefined) return [];
  const pairs = partsOf(layout, flat).map(({ name, part }) => ({
    ours: norm(part.data),
    theirs: stored[name],
    where: name,
  }));
  return [figuresRow(quantity, pairs, TOLERANCE.parameter)];
}

function scalarsOf(
  { config }: Pack,
  { weight_decay, clip_grad_norm }: NonNullable<PackConfig['optimizer']>,
  lr: number,
  done: number,
): Record<(typeof STEP_SCALARS)[number], number> {
  const { tau, alpha, beta } = config.prototype;
  return {
    ...{ lr, weight_decay, tau, alpha, beta, clip_grad_norm },
    ema_rate: 0,
    correction_1: 1 / (1 - BETA_1 ** (done + 1)),
    correction_2: 1 / (1 - BETA_2 ** (done + 1)),
  };
}
