/**
 * Debiased exponential moving average, exactly as TensorBoard draws it: the average starts at 0 and
 * is divided by 1 − weightⁿ, a series that has been constant so far passes through untouched, and
 * values that are not finite are passed on without entering the average.
 */
export class Smoother {
  private average = 0;
  private count = 0;
  /** What the average is divided by: 1 − weightⁿ, and 1 for good when that rounds to it. */
  private debias = 0;
  private first: number | undefined;
  private constant = true;

  /** @param weight 0 (no smoothing) up to, but not including, 1 */
  constructor(readonly weight: number) {
    if (!(weight >= 0 && weight < 1)) {
      throw new RangeError(`the smoothing weight is ${weight}; it must lie in [0, 1)`);
    }
  }

  next(value: number): number {
    this.first ??= value;
    if (value !== this.first) this.constant = false;
    if (!Number.isFinite(value)) return value;
    this.average = this.average * this.weight + (1 - this.weight) * value;
    this.count += 1;
    if (this.constant) return value;
    if (this.debias < 1) this.debias = 1 - this.weight ** this.count;
    return this.weight === 0 ? value : this.average / this.debias;
  }
}

/** A whole series at once; a new array of the same length. */
export function smooth(values: ArrayLike<number>, weight: number): Float64Array {
  const smoother = new Smoother(weight);
  return Float64Array.from(values, (value) => smoother.next(value));
}
