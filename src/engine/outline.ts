import type { MetricRows } from '../store/port';

/** Stretches of the history, of which each metric's lowest and highest rows are kept. */
const STRETCHES = 1000;
/** Rows read at a time, about: a whole history in memory would be hundreds of megabytes. */
const ROWS_AT_ONCE = 65_536;

/**
 * The rows of a history that hold the lowest or the highest value of some metric in their stretch,
 * so that its curves can be drawn before all of it has been sent, and no spike is missing. The
 * first and the last row are among them.
 *
 * @param total  rows of the history
 * @param read   rows from one on, at most so many
 * @returns at most 2 · metrics · STRETCHES + 2 rows in their order; `next` is `total`
 */
export function outlineOf(
  total: number,
  read: (from: number, limit: number) => MetricRows,
): MetricRows {
  const stretch = Math.ceil(total / STRETCHES);
  const part = Math.ceil(ROWS_AT_ONCE / stretch) * stretch;
  let keys: string[] = [];
  const kept: Record<'step' | 'wall' | 'active' | 'values', number[]> = {
    step: [],
    wall: [],
    active: [],
    values: [],
  };
  for (let from = 0; from < total; from += part) {
    const rows = read(from, Math.min(part, total - from));
    const n = rows.step.length;
    keys = rows.keys;
    for (let at = 0; at < n; at += stretch) {
      const chosen = extremeRows(rows, at, Math.min(n, at + stretch));
      if (from + at === 0) chosen.add(0);
      if (from + at + stretch >= total) chosen.add(n - 1);
      for (const row of [...chosen].sort((a, b) => a - b)) {
        for (const name of ['step', 'wall', 'active'] as const)
          kept[name].push(rows[name][row] ?? NaN);
        for (let k = 0; k < keys.length; k++)
          kept.values.push(rows.values[row * keys.length + k] ?? NaN);
      }
    }
  }
  return {
    keys,
    step: Float64Array.from(kept.step),
    wall: Float64Array.from(kept.wall),
    active: Float64Array.from(kept.active),
    values: Float64Array.from(kept.values),
    next: total,
    total,
  };
}

/** Rows in [from, to) at which some metric is lowest or highest; a metric without values has none. */
function extremeRows({ keys, values }: MetricRows, from: number, to: number): Set<number> {
  const width = keys.length;
  const chosen = new Set<number>();
  for (let k = 0; k < width; k++) {
    let [low, high] = [-1, -1];
    let [lowest, highest] = [Infinity, -Infinity];
    for (let row = from; row < to; row++) {
      const value = values[row * width + k] ?? NaN;
      if (value < lowest) [low, lowest] = [row, value];
      if (value > highest) [high, highest] = [row, value];
    }
    if (low >= 0) chosen.add(low);
    if (high >= 0) chosen.add(high);
  }
  return chosen;
}
