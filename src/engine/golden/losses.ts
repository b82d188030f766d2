import * as tf from '@tensorflow/tfjs';
import { scoped } from '../backend/scope';
import { bufferSpecs } from '../nn/spec';
import { gradients } from '../training/step';
import { ABSENT, absentRow, figuresRow, norm, TOLERANCE, vectorRow } from './compare';
import type { Row } from './compare';
import type { Terms } from './manifest';
import type { Arrays, Pack } from './pack';
import { batchFrom, labelled, lossWeights } from './state';
import type { Subject } from './state';
import { gradientRow, statisticsRow } from './tensors';

/** Loss terms, gradients and BatchNorm statistics of one batch, for both variants of the pack. */
export function lossRows(subject: Subject): Row[] {
  const { pack } = subject;
  const { variant, alt_variant } = pack.config;
  return [
    ...variantRows(subject, variant, pack.loss, 'grads', 'bn'),
    ...(alt_variant ? variantRows(subject, alt_variant, pack.loss?.alt, 'alt-grads', null) : []),
  ];
}

function variantRows(
  subject: Subject,
  variant: 'pdm' | 'spdm',
  terms: Terms | null | undefined,
  grads: string,
  bn: string | null,
): Row[] {
  const { pack, layout, state } = subject;
  const inputs = pack.tensors('forward');
  if (inputs === null || !labelled(variant, inputs)) return [absentRow(`loss.${variant}`, ABSENT)];
  return scoped(() => {
    const batch = batchFrom(subject, inputs);
    if (batch === null) return [absentRow(`loss.${variant}`, `x0, noise or t ${ABSENT}`)];
    const model = { spec: { ...pack.spec, variant }, layout, phase: 'joint' as const };
    const result = gradients(model, state, batch, lossWeights(pack));
    const [total = NaN, diffusion = NaN, contrastive = NaN, align = NaN, compact = NaN] =
      result.losses.dataSync();
    const figures = { total, diffusion, contrastive, align, compact, prototype: total - diffusion };
    const flat = result.gradient.dataSync() as Float32Array;
    const rows = [
      ...Object.entries(figures).map(([name, ours]) =>
        figuresRow(
          `loss.${variant}.${name}`,
          [{ ours, theirs: terms?.[name as keyof typeof figures] }],
          TOLERANCE.loss,
        ),
      ),
      figuresRow(
        `gradients.${variant}.norm`,
        [{ ours: norm(flat), theirs: terms?.grad_total_norm }],
        TOLERANCE.gradientNorm,
      ),
      gradientRow(`gradients.${variant}`, layout, flat, pack.tensors(grads)),
      ...(terms?.grad_stats
        ? [statisticsRow(`gradients.${variant}.statistics`, layout, flat, terms.grad_stats)]
        : []),
    ];
    if (bn !== null) {
      const running = result.running.dataSync() as Float32Array;
      rows.push(runningRow('batch_norm.after', pack, running, pack.tensors(bn), 'after.'));
    }
    tf.dispose([result.losses, result.running, ...(result.index ? [result.index] : [])]);
    return rows;
  });
}

export const RUNNING = ['running_mean', 'running_var'] as const;

/** Running statistics, ours in the order of bufferSpecs. */
export function runningRow(
  quantity: string,
  pack: Pack,
  running: Float32Array,
  stored: Arrays | null,
  prefix: string,
  parts: readonly (typeof RUNNING)[number][] = RUNNING,
  tolerance: number = TOLERANCE.intermediate,
): Row {
  const ours: number[] = [];
  const theirs: number[] = [];
  let at = 0;
  for (const { name, width } of bufferSpecs(pack.spec)) {
    for (const part of RUNNING) {
      const values = running.subarray(at, (at += width));
      if (!parts.includes(part)) continue;
      const reference = stored?.[`${prefix}${name}.${part}`];
      if (reference === undefined) return absentRow(quantity, ABSENT, tolerance);
      ours.push(...values);
      theirs.push(...reference.data);
    }
  }
  return vectorRow(quantity, ours, theirs, tolerance);
}
