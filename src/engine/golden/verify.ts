import * as tf from '@tensorflow/tfjs';
import { AppError } from '@shared/errors';
import { ndarray } from '@shared/maths/ndarray';
import type { NdArray } from '@shared/maths/ndarray';
import { toArray, toTensor } from '../backend/executable';
import { scoped } from '../backend/scope';
import { lossOf } from '../diffusion/loss';
import type { Batch } from '../diffusion/loss';
import { linearSchedule, qCoefficients } from '../diffusion/schedule';
import type { Schedule } from '../diffusion/schedule';
import { flatLayout, flatten, named, unflatten } from '../nn/flat';
import type { FlatLayout } from '../nn/flat';
import { imagesFromReference, weightFromReference } from '../nn/layout';
import { bufferSpecs, parameterSpecs } from '../nn/spec';
import { timeProjection, tokenTime } from '../nn/time';
import { BETA_1, BETA_2 } from '../training/optimiser';
import { gradients, STEP_SCALARS, stepMetrics, trainStep } from '../training/step';
import type { StepMetric, TrainState } from '../training/step';
import { absentRow, largest, maxAbs, row, scalarRow } from './compare';
import type { Row } from './compare';
import { openPack } from './pack';
import type { Arrays, Pack } from './pack';
import { verifySamplers } from './verify-samplers';

/** The tolerances of the reference's own table; its noise floor lies 5 to 10 times lower. */
export const TOLERANCE = {
  intermediate: 5e-5,
  loss: 1e-5,
  gradient: 1e-5,
  gradientRelative: 1e-3,
  parameter: 1e-5,
  roundoffOnly: 1.1e-3,
  sample: 1e-3,
  schedule: 1e-6,
} as const;

/**
 * Compares this implementation with the reference's stored tensors, quantity by quantity.
 *
 * @param dir  a folder of the golden packs' form
 * @throws     AppError bad_data when the folder is not one
 */
export function verifyGolden(dir: string): Row[] {
  const pack = openPack(dir);
  const schedule = linearSchedule(
    pack.config.num_train_timesteps,
    pack.config.beta_start,
    pack.config.beta_end,
  );
  const layout = flatLayout(parameterSpecs(pack.spec));
  const weights = pack.tensors('weights');
  if (weights === null) {
    throw new AppError('bad_data', 'The golden pack has no weights.safetensors.', {
      remedy: 'Name a complete pack.',
    });
  }
  const state = stateFrom(pack, layout, weights);
  const rows = [
    ...scheduleRows(pack, schedule),
    ...forwardRows(pack, schedule, layout, state, 'forward', pack.config.variant),
    ...forwardRows(pack, schedule, layout, state, 'alt-forward', pack.config.alt_variant),
    ...lossRows(pack, schedule, layout, state),
    ...stepRows(pack, schedule, layout, state),
    ...verifySamplers(pack, layout, state.params as tf.Tensor1D),
  ];
  tf.dispose(state as unknown as tf.TensorContainer);
  return rows;
}

function stateFrom(pack: Pack, layout: FlatLayout, weights: Arrays): TrainState {
  const find = (name: string): NdArray<Float32Array> => {
    const value = weights[name];
    if (value === undefined) {
      throw new AppError('bad_checkpoint', `weights.safetensors lacks ${name}.`);
    }
    return value as NdArray<Float32Array>;
  };
  return tf.tidy(() => {
    const params = flatten(layout.names.map((name) => toTensor(weightFromReference(find(name)))));
    if (params.size !== layout.total) {
      throw new AppError('bad_checkpoint', 'The weights do not fit the shapes of config.json.');
    }
    const running = flatten(
      bufferSpecs(pack.spec).flatMap(({ name }) => [
        toTensor(find(`${name}.running_mean`)),
        toTensor(find(`${name}.running_var`)),
      ]),
    );
    const zeros = (): tf.Tensor => tf.zeros([layout.total]);
    return { params, m: zeros(), v: zeros(), ema: tf.clone(params), running };
  });
}

function scheduleRows(pack: Pack, schedule: Schedule): Row[] {
  const stored = pack.tensors('schedule') ?? {};
  const chain = pack.config.ddpm_full;
  const full = linearSchedule(chain.num_train_timesteps, chain.beta_start, chain.beta_end);
  const wrap = (data: Float32Array): NdArray => ndarray(data, [data.length]);
  return [
    row('betas', wrap(schedule.betas), stored.betas, TOLERANCE.schedule),
    row('alphas_cumprod', wrap(schedule.alphas_cumprod), stored.alphas_cumprod, TOLERANCE.schedule),
    row('ddpm_full.betas', wrap(full.betas), stored['ddpm_full.betas'], TOLERANCE.schedule),
    row(
      'ddpm_full.alphas_cumprod',
      wrap(full.alphas_cumprod),
      stored['ddpm_full.alphas_cumprod'],
      TOLERANCE.schedule,
    ),
  ];
}

/** A batch from stored tensors, keys prefixed; the caller disposes it. */
function batchFrom(pack: Pack, schedule: Schedule, stored: Arrays, prefix = ''): Batch {
  const find = (name: string): NdArray => {
    const value = stored[prefix + name];
    if (value === undefined) throw new AppError('bad_data', `The pack lacks ${prefix}${name}.`);
    return value;
  };
  const t = find('t').data;
  const { signal, noise } = qCoefficients(schedule, t);
  const n = t.length;
  const image = (name: string): tf.Tensor4D =>
    toTensor(imagesFromReference(find(name) as NdArray<Float32Array>)) as tf.Tensor4D;
  const channels = pack.spec.block_out_channels[0] ?? 0;
  return {
    x_0: image('x0'),
    eps: image('noise'),
    signal: tf.tensor4d(signal, [n, 1, 1, 1]),
    noise: tf.tensor4d(noise, [n, 1, 1, 1]),
    time_proj: tf.tensor2d(timeProjection(t, channels), [n, channels]),
    token_time: tf.tensor2d(tokenTime(t, pack.spec.time_embed_dim, pack.spec.dim), [
      n,
      pack.spec.dim,
    ]),
    labels: tf.tensor1d(Int32Array.from(find('labels').data), 'int32'),
    loss_weight: tf.ones([n]),
    keep: tf.ones([n, 1]),
  };
}

function lossWeights(pack: Pack): { tau: tf.Scalar; alpha: tf.Scalar; beta: tf.Scalar } {
  const { tau, alpha, beta } = pack.config.prototype;
  return { tau: tf.scalar(tau), alpha: tf.scalar(alpha), beta: tf.scalar(beta) };
}

/** Every stored intermediate of one forward pass. */
function forwardRows(
  pack: Pack,
  schedule: Schedule,
  layout: FlatLayout,
  state: TrainState,
  file: string,
  variant: 'pdm' | 'spdm',
): Row[] {
  const inputs = pack.tensors('forward');
  const stored = pack.tensors(file);
  if (inputs === null || stored === null) return [absentRow(file, 'absent from the pack')];
  return scoped(() => {
    const batch = batchFrom(pack, schedule, inputs);
    const seen: Arrays = {};
    const params = named(layout, unflatten(layout, state.params as tf.Tensor1D));
    const spec = { ...pack.spec, variant };
    lossOf(params, spec, batch, lossWeights(pack), 'joint', (name, value) => {
      seen[name] = toArray(value);
    });
    seen.sinusoidal_time = toArray(batch.token_time);
    const given = new Set(['x0', 'noise', 't', 'labels']);
    return Object.keys(stored)
      .filter((name) => !given.has(name))
      .map((name) => {
        const theirs = stored[name];
        const ours = seen[name];
        if (theirs === undefined || ours === undefined) {
          return absentRow(`${file}.${name}`, 'not an intermediate of ours');
        }
        const reference =
          theirs.shape.length === 4 ? imagesFromReference(theirs as NdArray<Float32Array>) : theirs;
        // The reference repeats the cross-attention's one output at each position.
        const same =
          name === 'unet.cross_attention.output' ? repeatTokens(ours, theirs.shape[1] ?? 1) : ours;
        const tolerance = name === 'prototype_index' ? 0 : TOLERANCE.intermediate;
        return row(`${file}.${name}`, same, reference, tolerance);
      });
  });
}

/** [B, C] → [B, n, C] */
function repeatTokens(array: NdArray, n: number): NdArray {
  const [B = 0, C = 0] = array.shape;
  const out = new Float32Array(B * n * C);
  for (let b = 0; b < B; b++)
    for (let i = 0; i < n; i++) {
      out.set(array.data.subarray(b * C, (b + 1) * C) as Float32Array, (b * n + i) * C);
    }
  return ndarray(out, [B, n, C]);
}

function lossRows(pack: Pack, schedule: Schedule, layout: FlatLayout, state: TrainState): Row[] {
  const inputs = pack.tensors('forward');
  if (inputs === null) return [absentRow('losses', 'absent from the pack')];
  return scoped(() => {
    const batch = batchFrom(pack, schedule, inputs);
    const bn = pack.tensors('bn') ?? {};
    return [pack.loss, pack.loss.alt].flatMap((terms, which) => {
      const result = gradients(
        { spec: { ...pack.spec, variant: terms.variant }, layout, phase: 'joint' },
        state,
        batch,
        lossWeights(pack),
      );
      const [total = NaN, diffusion = NaN, contrastive = NaN, align = NaN, compact = NaN] =
        result.losses.dataSync();
      const label = `loss.${terms.variant}`;
      const flat = result.gradient.dataSync() as Float32Array;
      const rows = [
        scalarRow(`${label}.total`, total, terms.total, TOLERANCE.loss),
        scalarRow(`${label}.diffusion`, diffusion, terms.diffusion, TOLERANCE.loss),
        scalarRow(`${label}.contrastive`, contrastive, terms.contrastive, TOLERANCE.loss),
        scalarRow(`${label}.align`, align, terms.align, TOLERANCE.loss),
        scalarRow(`${label}.compact`, compact, terms.compact, TOLERANCE.loss),
        gradientRow(
          `gradients.${terms.variant}`,
          layout,
          flat,
          pack.tensors(which ? 'alt-grads' : 'grads'),
        ),
      ];
      if (which === 0)
        rows.push(runningRow('batch_norm.after', pack, result.running, bn, 'after.'));
      tf.dispose([result.losses, result.index, result.running]);
      return rows;
    });
  });
}

/** Worst tensor of a flat vector against stored ones, each within its own tolerance. */
function gradientRow(
  quantity: string,
  layout: FlatLayout,
  flat: Float32Array,
  stored: Arrays | null,
): Row {
  if (stored === null) return absentRow(quantity, 'absent from the pack');
  return worstRow(quantity, layout, flat, stored, '', (theirs) =>
    Math.max(TOLERANCE.gradient, TOLERANCE.gradientRelative * largest(theirs)),
  );
}

function worstRow(
  quantity: string,
  layout: FlatLayout,
  flat: Float32Array,
  stored: Arrays,
  prefix: string,
  toleranceOf: (theirs: ArrayLike<number>, name: string) => number,
): Row {
  let worst: Row = { ...absentRow(quantity, 'absent from the pack'), ok: null };
  let compared = 0;
  let at = 0;
  layout.names.forEach((name, index) => {
    const size = layout.sizes[index] ?? 0;
    const part = ndarray(flat.slice(at, at + size), layout.shapes[index] ?? []);
    at += size;
    const theirs = stored[prefix + name];
    if (theirs === undefined) return;
    compared++;
    const reference = weightFromReference(theirs as NdArray<Float32Array>).data;
    const tolerance = toleranceOf(reference, name);
    const max_abs = maxAbs(part.data, reference);
    if (worst.max_abs === null || max_abs / tolerance > worst.max_abs / worst.tolerance) {
      worst = { quantity, max_abs, tolerance, ok: max_abs <= tolerance, note: name };
    }
  });
  return worst.max_abs === null ? worst : { ...worst, note: `worst of ${compared}: ${worst.note}` };
}

function runningRow(
  quantity: string,
  pack: Pack,
  running: tf.Tensor,
  stored: Arrays,
  prefix: string,
): Row {
  const reference: number[] = [];
  for (const { name } of bufferSpecs(pack.spec)) {
    for (const part of ['running_mean', 'running_var']) {
      const value = stored[`${prefix}${name}.${part}`];
      if (value === undefined) return absentRow(quantity, 'absent from the pack');
      reference.push(...value.data);
    }
  }
  const data = Float32Array.from(reference);
  return row(quantity, toArray(running), ndarray(data, [data.length]), TOLERANCE.intermediate);
}

/** One and five AdamW updates with clipping at a constant rate. */
function stepRows(pack: Pack, schedule: Schedule, layout: FlatLayout, start: TrainState): Row[] {
  const stored = pack.tensors('step');
  if (stored === null) return [absentRow('adamw', 'absent from the pack')];
  const { lr, weight_decay, clip_grad_norm } = pack.config.optimizer;
  const { tau, alpha, beta } = pack.config.prototype;
  const rows: Row[] = [];
  const names = stepMetrics(pack.spec, 'joint');
  let state = start;
  for (const [i, expected] of pack.step.steps.entries()) {
    const scalars = {
      lr,
      weight_decay,
      tau,
      alpha,
      beta,
      clip_grad_norm,
      ema_rate: 0,
      correction_1: 1 / (1 - BETA_1 ** (i + 1)),
      correction_2: 1 / (1 - BETA_2 ** (i + 1)),
    };
    const batch = batchFrom(pack, schedule, stored, `batch.${i}.`);
    const vector = tf.tensor1d(STEP_SCALARS.map((name) => scalars[name]));
    const inputs = { ...batch, scalars: vector };
    const result = trainStep({ spec: pack.spec, layout, phase: 'joint' }, state, inputs);
    const metrics = result.outputs.metrics.dataSync();
    const metric = (name: StepMetric): number => metrics[names.indexOf(name)] ?? NaN;
    rows.push(
      scalarRow(`step${i + 1}.total`, metric('total'), expected.total, TOLERANCE.loss),
      scalarRow(
        `step${i + 1}.grad_norm`,
        metric('grad_norm'),
        expected.grad_total_norm,
        TOLERANCE.loss * 10,
      ),
    );
    tf.dispose([inputs, result.outputs] as unknown as tf.TensorContainer);
    if (state !== start) tf.dispose(state as unknown as tf.TensorContainer);
    state = result.state;
    const prefix = `after${i + 1}.`;
    if (Object.keys(stored).some((name) => name.startsWith(prefix))) {
      const flat = state.params.dataSync() as Float32Array;
      rows.push(
        worstRow(`adamw.after${i + 1}`, layout, flat, stored, prefix, (_, name) =>
          pack.roundoffOnly.has(name) ? TOLERANCE.roundoffOnly : TOLERANCE.parameter,
        ),
      );
    }
  }
  if (state !== start) tf.dispose(state as unknown as tf.TensorContainer);
  return rows;
}
