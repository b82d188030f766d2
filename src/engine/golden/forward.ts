import { ndarray } from '@shared/maths/ndarray';
import type { NdArray } from '@shared/maths/ndarray';
import { toArray } from '../backend/executable';
import { scoped } from '../backend/scope';
import { lossOf } from '../diffusion/loss';
import { named, unflatten } from '../nn/flat';
import { imagesFromReference } from '../nn/layout';
import type * as tf from '@tensorflow/tfjs';
import { ABSENT, absentRow, row, TOLERANCE } from './compare';
import type { Row } from './compare';
import type { PackConfig } from './manifest';
import type { Arrays } from './pack';
import { batchFrom, labelled, lossWeights } from './state';
import type { Subject } from './state';

const GIVEN = new Set(['x0', 'noise', 't', 'labels']);

/** Every stored intermediate of one forward pass; the batch is forward.safetensors' in any case. */
export function forwardRows(
  subject: Subject,
  file: 'forward' | 'alt-forward',
  variant: 'pdm' | 'spdm' | null | undefined,
): Row[] {
  const { pack, layout, state } = subject;
  const inputs = pack.tensors('forward');
  const stored = pack.tensors(file);
  if (inputs === null || stored === null || !variant) return [absentRow(file, ABSENT)];
  if (!labelled(variant, inputs)) return [absentRow(file, `labels ${ABSENT}`)];
  return scoped(() => {
    const batch = batchFrom(subject, inputs);
    if (batch === null) return [absentRow(file, `x0, noise or t ${ABSENT}`)];
    const seen: Arrays = { sinusoidal_time: toArray(batch.token_time) };
    const params = named(layout, unflatten(layout, state.params as tf.Tensor1D));
    lossOf(params, { ...pack.spec, variant }, batch, lossWeights(pack), 'joint', (name, value) => {
      seen[name] = toArray(value);
    });
    return Object.entries(stored)
      .filter(([name]) => !GIVEN.has(name))
      .map(([name, theirs]) => {
        const ours = seen[name];
        const quantity = `${file}.${name}`;
        if (ours === undefined) return absentRow(quantity, 'not an intermediate of ours');
        const tolerance = name === 'prototype_index' ? 0 : TOLERANCE.intermediate;
        const [value, reference] = alike(ours, theirs, pack.config.intermediate_batch_index, name);
        return row(quantity, value, reference, tolerance);
      });
  });
}

/** Ours in the form in which theirs was stored: the same images of the batch, the same layout. */
function alike(
  ours: NdArray,
  theirs: NdArray,
  index: PackConfig['intermediate_batch_index'],
  name: string,
): [ours: NdArray, theirs: NdArray] {
  const [B = 0] = ours.shape;
  const single = theirs.shape.length < ours.shape.length && typeof index === 'number';
  const reference = single ? ndarray(theirs.data, [1, ...theirs.shape]) : theirs;
  const chosen = index === 'all' ? [] : [index].flat().map((i) => (i < 0 ? B + i : i));
  const some = chosen.length > 0 && reference.shape[0] === chosen.length && chosen.length < B;
  const rows = some ? take(ours, chosen) : ours;
  if (name === 'unet.cross_attention.output') {
    // The reference repeats the one output at each position.
    return [repeatTokens(rows, reference.shape[1] ?? 1), reference];
  }
  // The reference keeps the token's axis of length 1.
  const squeezed =
    name === 'prototype_token' && reference.shape.length === 3
      ? ndarray(reference.data, [reference.shape[0] ?? 0, reference.shape[2] ?? 0])
      : reference;
  return [rows, imagesFromReference(squeezed as NdArray<Float32Array>)];
}

/** Rows of the first axis. */
function take(array: NdArray, indices: readonly number[]): NdArray {
  const [, ...rest] = array.shape;
  const size = rest.reduce((a, b) => a * b, 1);
  const out = new Float32Array(indices.length * size);
  indices.forEach((at, i) => out.set(array.data.subarray(at * size, (at + 1) * size), i * size));
  return ndarray(out, [indices.length, ...rest]);
}

/** [B, C] → [B, n, C] */
function repeatTokens(array: NdArray, n: number): NdArray {
  const [B = 0, C = 0] = array.shape;
  const out = new Float32Array(B * n * C);
  for (let b = 0; b < B; b++)
    for (let i = 0; i < n; i++) {
      out.set(array.data.subarray(b * C, (b + 1) * C), (b * n + i) * C);
    }
  return ndarray(out, [B, n, C]);
}
