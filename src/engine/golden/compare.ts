import { ndarray } from '@shared/maths/ndarray';
import type { NdArray } from '@shared/maths/ndarray';

/** The tolerances of the reference's own table; its noise floor lies 5 to 10 times lower. */
export const TOLERANCE = {
  intermediate: 5e-5,
  loss: 1e-5,
  gradient: 1e-5,
  gradientRelative: 1e-3,
  gradientNorm: 1e-4,
  parameter: 1e-5,
  sample: 1e-3,
  schedule: 1e-6,
  /** Of the learning rate; both sides work it out in double precision. */
  rate: 1e-12,
  /** A grey level: where a value lies between two, round-off decides. */
  pixel: 1,
} as const;

/** One line of the verification table. */
export interface Row {
  quantity: string;
  /** Largest absolute difference; null where the pack does not hold the quantity. */
  max_abs: number | null;
  tolerance: number;
  /** null: nothing was compared; the note says why. It counts neither as holding nor as failing. */
  ok: boolean | null;
  note: string;
}

export const ABSENT = 'absent from the pack';

/** Largest |a - b|; NaN on either side counts as infinitely far. */
export function maxAbs(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Infinity;
  let worst = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs((a[i] ?? NaN) - (b[i] ?? NaN));
    if (!(difference <= worst)) worst = Number.isNaN(difference) ? Infinity : difference;
  }
  return worst;
}

export function largest(a: ArrayLike<number>): number {
  let worst = 0;
  for (let i = 0; i < a.length; i++) worst = Math.max(worst, Math.abs(a[i] ?? 0));
  return worst;
}

export function norm(a: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] ?? 0) ** 2;
  return Math.sqrt(sum);
}

export function row(
  quantity: string,
  ours: NdArray,
  theirs: NdArray | undefined,
  tolerance: number,
): Row {
  if (theirs === undefined) return absentRow(quantity, ABSENT, tolerance);
  if (ours.shape.join() !== theirs.shape.join()) {
    return failedRow(
      quantity,
      `shape [${ours.shape.join(', ')}] against [${theirs.shape.join(', ')}]`,
      tolerance,
    );
  }
  return measuredRow(quantity, maxAbs(ours.data, theirs.data), tolerance);
}

export function measuredRow(quantity: string, max_abs: number, tolerance: number, note = ''): Row {
  return { quantity, max_abs, tolerance, ok: max_abs <= tolerance, note };
}

export function vectorRow(
  quantity: string,
  ours: ArrayLike<number>,
  theirs: ArrayLike<number> | undefined,
  tolerance: number,
): Row {
  if (theirs === undefined) return absentRow(quantity, ABSENT, tolerance);
  const flat = (values: ArrayLike<number>): NdArray =>
    ndarray(Float64Array.from(values), [values.length]);
  return row(quantity, flat(ours), flat(theirs), tolerance);
}

/** Figures that belong together, of which some may be absent: the largest difference of the rest. */
export function figuresRow(
  quantity: string,
  pairs: readonly { ours: number; theirs: number | null | undefined; where?: string }[],
  tolerance: number,
): Row {
  let worst: Row = absentRow(quantity, ABSENT, tolerance);
  for (const { ours, theirs, where = '' } of pairs) {
    if (theirs === null || theirs === undefined) continue;
    const next = measuredRow(quantity, maxAbs([ours], [theirs]), tolerance, where);
    if (worst.max_abs === null || (next.max_abs ?? 0) > worst.max_abs) worst = next;
  }
  return worst;
}

export function absentRow(quantity: string, note: string, tolerance = 0): Row {
  return { quantity, max_abs: null, tolerance, ok: null, note };
}

export function failedRow(quantity: string, note: string, tolerance = 0): Row {
  return { quantity, max_abs: Infinity, tolerance, ok: false, note };
}
