import { ndarray } from '@shared/maths/ndarray';
import type { NdArray } from '@shared/maths/ndarray';
import type { FlatLayout } from '../nn/flat';
import { weightFromReference, weightToReference } from '../nn/layout';
import {
  ABSENT,
  absentRow,
  failedRow,
  largest,
  maxAbs,
  measuredRow,
  norm,
  TOLERANCE,
} from './compare';
import type { Row } from './compare';
import type { Arrays } from './pack';

/** A flat vector's tensors by name, in our layout. */
export function partsOf(
  layout: FlatLayout,
  flat: Float32Array,
): { name: string; part: NdArray<Float32Array> }[] {
  let at = 0;
  return layout.names.map((name, index) => {
    const from = at;
    at += layout.sizes[index] ?? 0;
    return { name, part: ndarray(flat.subarray(from, at), layout.shapes[index] ?? []) };
  });
}

/** The tensor of a flat vector that is furthest from its stored one, each by its own tolerance. */
export function worstRow(
  quantity: string,
  layout: FlatLayout,
  flat: Float32Array,
  stored: Arrays | null,
  prefix: string,
  toleranceOf: (theirs: ArrayLike<number>, name: string) => number,
): Row {
  let worst: Row = absentRow(quantity, ABSENT);
  let compared = 0;
  for (const { name, part } of partsOf(layout, flat)) {
    const theirs = stored?.[prefix + name];
    if (theirs === undefined) continue;
    if (theirs.shape.join() !== weightToReference(part).shape.join()) {
      return failedRow(quantity, `${name} is [${theirs.shape.join(', ')}]`);
    }
    compared++;
    const reference = weightFromReference(theirs as NdArray<Float32Array>).data;
    const next = measuredRow(
      quantity,
      maxAbs(part.data, reference),
      toleranceOf(reference, name),
      name,
    );
    if (worst.max_abs === null || shareOf(next) > shareOf(worst)) worst = next;
  }
  return compared === 0 ? worst : { ...worst, note: `worst of ${compared}: ${worst.note}` };
}

const shareOf = ({ max_abs, tolerance }: Row): number => (max_abs ?? 0) / tolerance;

/** Each gradient within 1e-5, or 1e-3 of its tensor's largest value. */
export function gradientRow(
  quantity: string,
  layout: FlatLayout,
  flat: Float32Array,
  stored: Arrays | null,
): Row {
  return worstRow(quantity, layout, flat, stored, '', ofGradient);
}

/** Norm and largest value of each gradient, where the pack holds only those. */
export function statisticsRow(
  quantity: string,
  layout: FlatLayout,
  flat: Float32Array,
  stored: Record<string, { l2: number; max: number }> | null | undefined,
): Row {
  let worst: Row = absentRow(quantity, ABSENT);
  for (const { name, part } of partsOf(layout, flat)) {
    const theirs = stored?.[name];
    if (theirs === undefined) continue;
    for (const [ours, reference, what] of [
      [norm(part.data), theirs.l2, 'norm'],
      [largest(part.data), theirs.max, 'largest'],
    ] as const) {
      const tolerance = ofGradient([reference]);
      const next = measuredRow(
        quantity,
        maxAbs([ours], [reference]),
        tolerance,
        `${what} of ${name}`,
      );
      if (worst.max_abs === null || shareOf(next) > shareOf(worst)) worst = next;
    }
  }
  return worst;
}

function ofGradient(theirs: ArrayLike<number>): number {
  return Math.max(TOLERANCE.gradient, TOLERANCE.gradientRelative * largest(theirs));
}
