import { extremesOf } from '@shared/maths/pyramid';
import type { Series } from '../session/curves-buffer';

/** A series for a test of the plots. */
export function seriesOf(
  x: readonly number[],
  raw: readonly number[],
  smoothed: readonly number[] = raw,
): Series {
  const track = (list: readonly number[]): Series['raw'] => {
    const values = Float64Array.from(list);
    return { values, extremes: extremesOf(values) };
  };
  const at = Float64Array.from(x);
  return { x: at, step: at, raw: track(raw), smoothed: track(smoothed), dropped: 0 };
}
