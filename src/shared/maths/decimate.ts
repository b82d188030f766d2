export interface Window {
  from: number;
  to: number;
  /** Pixels across the window. */
  pixels: number;
  /** Whether pixels are even in log10 of x. */
  log?: boolean;
}

/**
 * Keeps at most two points a pixel of the window, the lowest and the highest of each, in the order
 * they came, so that no spike is lost. One point beyond either edge is kept too: a line leaves the
 * picture where it should. Points with NaN in x or y are skipped.
 *
 * @param x  [n] ascending
 * @param y  [n]
 * @returns  indices into x and y, ascending; at most 2 · pixels + 2
 */
export function decimate(x: ArrayLike<number>, y: ArrayLike<number>, window: Window): number[] {
  const pixels = Math.max(1, Math.floor(window.pixels));
  const scale = (value: number): number => (window.log ? Math.log10(value) : value);
  const from = scale(window.from);
  const width = scale(window.to) - from;
  const kept: number[] = [];
  let before = -1;
  let bucket = -1;
  let low = -1;
  let high = -1;
  const flush = (): void => {
    if (low < 0) return;
    kept.push(Math.min(low, high));
    if (low !== high) kept.push(Math.max(low, high));
    low = -1;
  };
  for (let i = 0; i < x.length; i++) {
    const at = scale(x[i] ?? NaN);
    const value = y[i] ?? NaN;
    if (Number.isNaN(at) || Number.isNaN(value)) continue;
    if (at < from) {
      before = i;
      continue;
    }
    if (before >= 0) {
      kept.push(before);
      before = -1;
    }
    if (at > from + width) {
      flush();
      kept.push(i);
      return kept;
    }
    const here = width > 0 ? Math.min(pixels - 1, Math.floor(((at - from) / width) * pixels)) : 0;
    if (here !== bucket) {
      flush();
      bucket = here;
    }
    if (low < 0) low = high = i;
    else if (value < (y[low] ?? NaN)) low = i;
    else if (value > (y[high] ?? NaN)) high = i;
  }
  flush();
  if (before >= 0) kept.push(before);
  return kept;
}
