export interface Window {
  from: number;
  to: number;
  /** Pixels across the window. */
  pixels: number;
  /** Whether pixels are even in log10 of x. */
  log?: boolean;
}

/** Finds the lowest and the highest of y[from … to), as Pyramid does. */
export type Extremes = (from: number, to: number) => [low: number, high: number];

/**
 * Keeps at most two points a pixel of the window, the lowest and the highest of each, in the order
 * they came, so that no spike is lost. One point beyond either edge is kept too: a line leaves the
 * picture where it should. Points with NaN in y are skipped. The time it takes follows the pixels,
 * not the points, where `extremes` does not read them all.
 *
 * @param x  [n] ascending, without NaN
 * @param y  [n]
 * @returns  indices into x and y, ascending; at most 2 · pixels + 2
 */
export function decimate(
  x: ArrayLike<number>,
  y: ArrayLike<number>,
  window: Window,
  extremes: Extremes,
): number[] {
  const pixels = Math.max(1, Math.floor(window.pixels));
  const scale = (value: number): number => (window.log ? Math.log10(value) : value);
  const left = scale(window.from);
  const width = scale(window.to) - left;
  const at = (i: number): number => scale(x[i] ?? NaN) - left;
  const bucket = (i: number): number =>
    width > 0 ? Math.min(pixels - 1, Math.floor((at(i) / width) * pixels)) : 0;

  const start = first(0, x.length, (i) => at(i) >= 0);
  const end = first(start, x.length, (i) => at(i) > width);
  const kept: number[] = [];
  const before = beyond(y, start - 1, -1);
  if (before >= 0) kept.push(before);
  for (let i = start; i < end;) {
    const here = bucket(i);
    // Most buckets are alike: look near first.
    let step = 1;
    while (i + step < end && bucket(i + step) <= here) step *= 2;
    const next = first(i + (step >> 1), Math.min(end, i + step), (k) => bucket(k) > here);
    const [low, high] = extremes(i, next);
    if (low >= 0) {
      kept.push(Math.min(low, high));
      if (low !== high) kept.push(Math.max(low, high));
    }
    i = next;
  }
  const after = beyond(y, end, 1);
  if (after >= 0) kept.push(after);
  return kept;
}

/** The first index in [from, to) for which `holds`, which then holds for all after it; else `to`. */
function first(from: number, to: number, holds: (i: number) => boolean): number {
  let [low, high] = [from, to];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The nearest index from `i` on, in direction `step`, that has a value; -1 when there is none. */
function beyond(y: ArrayLike<number>, i: number, step: 1 | -1): number {
  for (let k = i; k >= 0 && k < y.length; k += step) if (!Number.isNaN(y[k])) return k;
  return -1;
}
