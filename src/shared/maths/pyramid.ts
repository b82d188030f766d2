/** Values to a bucket of the lowest level, and buckets to one of the level above. */
const BASE = 64;
const FACTOR = 16;

interface Level {
  /** Rows to a bucket. */
  size: number;
  /** Index of the lowest and the highest value of each whole bucket; -1 where all are NaN. */
  low: number[];
  high: number[];
}

/**
 * Lowest and highest values of whole buckets of a growing series, in levels, so that those of any
 * range are found without reading the range. NaN is nowhere lowest or highest; of equal values the
 * first counts.
 */
export class Pyramid {
  private readonly levels: Level[] = [];

  /** Takes in what was appended to `values` since; what came before must not have changed. */
  extend(values: Float64Array): void {
    for (let depth = 0, size = BASE; size <= values.length; depth++, size *= FACTOR) {
      const level = (this.levels[depth] ??= { size, low: [], high: [] });
      const below = this.levels[depth - 1];
      for (let at = level.low.length; (at + 1) * size <= values.length; at++) {
        const [low, high] = below ? joined(below, at, values) : scan(values, at * size, size);
        level.low.push(low);
        level.high.push(high);
      }
    }
  }

  /** Indices of the lowest and the highest of values[from … to); -1 where all are NaN. */
  extremes(values: Float64Array, from: number, to: number): [low: number, high: number] {
    let low = -1;
    let high = -1;
    for (let i = from; i < to;) {
      const level = this.largest(i, to);
      const a = level ? (level.low[i / level.size] ?? -1) : Number.isNaN(values[i]) ? -1 : i;
      const b = level ? (level.high[i / level.size] ?? -1) : a;
      if (a >= 0 && (low < 0 || (values[a] ?? NaN) < (values[low] ?? NaN))) low = a;
      if (b >= 0 && (high < 0 || (values[b] ?? NaN) > (values[high] ?? NaN))) high = b;
      i += level?.size ?? 1;
    }
    return [low, high];
  }

  /** The level whose bucket begins at `from` and reaches furthest without passing `to`. */
  private largest(from: number, to: number): Level | undefined {
    let found: Level | undefined;
    for (const level of this.levels) {
      if (from % level.size !== 0 || from + level.size > to) break;
      if (from / level.size >= level.low.length) break;
      found = level;
    }
    return found;
  }
}

function scan(values: Float64Array, from: number, count: number): [low: number, high: number] {
  let low = -1;
  let high = -1;
  for (let i = from; i < from + count; i++) {
    const value = values[i] ?? NaN;
    if (Number.isNaN(value)) continue;
    if (low < 0 || value < (values[low] ?? NaN)) low = i;
    if (high < 0 || value > (values[high] ?? NaN)) high = i;
  }
  return [low, high];
}

function joined(below: Level, at: number, values: Float64Array): [low: number, high: number] {
  let low = -1;
  let high = -1;
  for (let k = at * FACTOR; k < (at + 1) * FACTOR; k++) {
    const [a, b] = [below.low[k] ?? -1, below.high[k] ?? -1];
    if (a >= 0 && (low < 0 || (values[a] ?? NaN) < (values[low] ?? NaN))) low = a;
    if (b >= 0 && (high < 0 || (values[b] ?? NaN) > (values[high] ?? NaN))) high = b;
  }
  return [low, high];
}

/** The extremes of a series that does not grow. */
export function extremesOf(
  values: Float64Array,
): (from: number, to: number) => [low: number, high: number] {
  const pyramid = new Pyramid();
  pyramid.extend(values);
  return (from, to) => pyramid.extremes(values, from, to);
}
