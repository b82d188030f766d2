import type { NdArray } from '@shared/maths/ndarray';

/** One line of the verification table. */
export interface Row {
  quantity: string;
  /** Largest absolute difference; null where the pack does not hold the quantity. */
  max_abs: number | null;
  tolerance: number;
  /** null: absent from the pack, or not covered yet (the note says which). */
  ok: boolean | null;
  note: string;
}

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

export function row(
  quantity: string,
  ours: NdArray | null,
  theirs: NdArray | undefined,
  tolerance: number,
): Row {
  if (theirs === undefined || ours === null) {
    return { quantity, max_abs: null, tolerance, ok: null, note: 'absent from the pack' };
  }
  if (ours.data.length !== theirs.data.length) {
    const note = `shape [${ours.shape.join(', ')}] against [${theirs.shape.join(', ')}]`;
    return { quantity, max_abs: Infinity, tolerance, ok: false, note };
  }
  const max_abs = maxAbs(ours.data, theirs.data);
  return { quantity, max_abs, tolerance, ok: max_abs <= tolerance, note: '' };
}

export function scalarRow(quantity: string, ours: number, theirs: number, tolerance: number): Row {
  const max_abs = Math.abs(ours - theirs);
  return { quantity, max_abs, tolerance, ok: max_abs <= tolerance, note: '' };
}

export function absentRow(quantity: string, note: string): Row {
  return { quantity, max_abs: null, tolerance: 0, ok: null, note };
}
