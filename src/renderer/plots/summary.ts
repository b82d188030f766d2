import { count, figure } from '../components/format';
import type { PanelLine } from './lines';
import type { Mark } from './panel';
import type { Series } from '../session/curves-buffer';

/** A panel in words, for those who do not see it. */
export function summaryOf(
  title: string,
  lines: readonly { line: PanelLine; series: Series | undefined }[],
  marks: readonly Mark[],
): string {
  const said = lines.flatMap(({ line, series }) => (series ? [lineInWords(line, series)] : []));
  if (said.length === 0) return `${title}: no points yet.`;
  const changes =
    marks.length === 0
      ? ''
      : ` Marked: ${marks.map((mark) => mark.words ?? mark.sign).join(', ')}.`;
  return `${title} of ${said.join('; ')}.${changes}`;
}

function lineInWords({ name }: PanelLine, { step, smoothed }: Series): string {
  const { values } = smoothed;
  const last = values.length - 1;
  const [lowest] = smoothed.extremes(0, values.length);
  const dip =
    lowest === last || lowest === 0
      ? ''
      : `, lowest ${figure(values[lowest] ?? NaN)} at ${count(step[lowest] ?? 0)}`;
  return (
    `${name}: from ${figure(values[0] ?? NaN)} at step ${count(step[0] ?? 0)}` +
    ` to ${figure(values[last] ?? NaN)} smoothed at step ${count(step[last] ?? 0)}${dip}`
  );
}
