/** An SVG path through values from 0 to their largest, evenly spaced, with a gap where there is none. */
export function sparkPath(
  values: readonly (number | null)[],
  width: number,
  height: number,
): string {
  if (values.length < 2) return '';
  const top = Math.max(...values.map((value) => value ?? 0)) || 1;
  return values
    .map((value, i) => {
      if (value === null) return '';
      const x = (i / (values.length - 1)) * (width - 2) + 1;
      const y = height - 1 - (value / top) * (height - 2);
      return `${(values[i - 1] ?? null) === null ? 'M' : 'L'}${x.toFixed(1)} ${y.toFixed(1)}`;
    })
    .join('');
}
