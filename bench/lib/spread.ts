export interface Spread {
  median: number;
  min: number;
  max: number;
}

/** Median, least and most of some timings; four digits are a tenth of a millisecond in seconds. */
export function spread(values: number[], digits = 4): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median =
    sorted.length % 2 ? sorted[middle] : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
  const round = (value: number | undefined): number => Number((value ?? NaN).toFixed(digits));
  return { median: round(median), min: round(sorted[0]), max: round(sorted.at(-1)) };
}
