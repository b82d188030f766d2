import type { CurvesBuffer } from '../../session/curves-buffer';

/**
 * All rows, undecimated and unsmoothed: step, wall (Unix ms), active (s), then every metric. What
 * was not measured at a step is empty; numbers are written so that they read back the same.
 */
export function csvOf(curves: CurvesBuffer): string {
  const { keys } = curves;
  const columns = [
    curves.step.view(),
    curves.wall.view(),
    curves.active.view(),
    ...keys.map((key) => curves.raw(key) ?? new Float64Array()),
  ];
  const lines = [['step', 'wall', 'active', ...keys].join(',')];
  for (let row = 0; row < curves.length; row++) {
    lines.push(columns.map((column) => text(column[row])).join(','));
  }
  return `${lines.join('\n')}\n`;
}

function text(value: number | undefined): string {
  return value === undefined || Number.isNaN(value) ? '' : String(value);
}
