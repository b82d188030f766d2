import { csvNumber } from '@shared/csv';
import type { PanelPicture } from '../../plots/lines';
import type { CurvesBuffer } from '../../session/curves-buffer';

/**
 * All rows, undecimated and unsmoothed: step, wall (Unix ms), active (s), then every metric. What
 * was not measured at a step is empty; numbers are written so that they read back the same. Of
 * several runs the first column names the run.
 */
export function csvOf(runs: readonly { run: string; curves: CurvesBuffer }[]): string {
  const keys = [...new Set(runs.flatMap(({ curves }) => curves.keys))];
  const several = runs.length > 1;
  const lines = [[...(several ? ['run'] : []), 'step', 'wall', 'active', ...keys].join(',')];
  for (const { run, curves } of runs) {
    const columns = [
      curves.step.view(),
      curves.wall.view(),
      curves.active.view(),
      ...keys.map((key) => curves.rows(key)),
    ];
    for (let row = 0; row < curves.length; row++) {
      const cells = columns.map((column) => csvNumber(column[row]));
      lines.push([...(several ? [run] : []), ...cells].join(','));
    }
  }
  return `${lines.join('\n')}\n`;
}

/** The recorded values of one panel, a point a line. */
export function panelCsv({ lines }: PanelPicture): string {
  const rows = lines.flatMap(({ line: { run, metric }, series }) =>
    Array.from(series?.step ?? [], (step, i) =>
      [run, metric, csvNumber(step), csvNumber(series?.raw.values[i])].join(','),
    ),
  );
  return `${['run,metric,step,value', ...rows].join('\n')}\n`;
}
