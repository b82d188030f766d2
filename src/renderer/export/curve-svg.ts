import { decimate } from '@shared/maths/decimate';
import { extremesOf } from '@shared/maths/pyramid';
import { count, figure } from '../components/format';
import { html } from './markup';
import type { Markup } from './markup';

const [WIDTH, HEIGHT, LEFT, BOTTOM] = [560, 150, 54, 18]; // SVG units

/** One metric over the steps, as a drawing with a sentence for those who do not see it. */
export function curveSvg(
  title: string,
  run: string,
  x: Float64Array,
  y: Float64Array,
  log: boolean,
): Markup {
  const drawn = Array.from(y, (value) => (log ? (value > 0 ? Math.log10(value) : NaN) : value));
  const finite = drawn.filter((value) => Number.isFinite(value));
  if (finite.length === 0) return html`<p class="meta">${title}: no value can be drawn.</p>`;
  // Not spread into Math.min: a run may have a million rows.
  const low = finite.reduce((a, b) => Math.min(a, b));
  const high = Math.max(
    finite.reduce((a, b) => Math.max(a, b)),
    low + 1e-9,
  );
  const [from, to] = [x[0] ?? 0, Math.max(x[x.length - 1] ?? 1, (x[0] ?? 0) + 1)];
  const across = (value: number): string =>
    (LEFT + ((WIDTH - LEFT - 6) * (value - from)) / (to - from)).toFixed(1);
  const up = (value: number): string =>
    (6 + ((HEIGHT - BOTTOM - 12) * (high - value)) / (high - low)).toFixed(1);
  const finitePoints = Float64Array.from(drawn, (value) => (Number.isFinite(value) ? value : NaN));
  const points = decimate(
    x,
    finitePoints,
    { from, to, pixels: WIDTH - LEFT },
    extremesOf(finitePoints),
  )
    .map((i) => `${across(x[i] ?? 0)},${up(finitePoints[i] ?? 0)}`)
    .join(' ');
  const real = (value: number): number => (log ? 10 ** value : value);
  const words = summaryOf(title, run, x, y);
  const ticks = [high, (high + low) / 2, low].map(
    (value) =>
      html`<line class="grid" x1="${LEFT}" x2="${WIDTH}" y1="${up(value)}" y2="${up(value)}" /><text
          x="${LEFT - 6}"
          y="${Number(up(value)) + 3.5}"
          text-anchor="end"
          >${figure(real(value))}</text
        >`,
  );
  return html`<figure>
    <figcaption>${title}${log ? ', log scale' : ''}</figcaption>
    <svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${words}">
      ${ticks}
      <text x="${LEFT}" y="${HEIGHT - 4}">${count(from)}</text>
      <text x="${WIDTH - 2}" y="${HEIGHT - 4}" text-anchor="end">step ${count(to)}</text>
      <polyline points="${points}" />
    </svg>
    <p class="meta">${words}</p>
  </figure>`;
}

export function summaryOf(title: string, run: string, x: Float64Array, y: Float64Array): string {
  let first = NaN;
  let last = NaN;
  let low = Infinity;
  let at = NaN;
  y.forEach((value, i) => {
    if (!Number.isFinite(value)) return;
    if (Number.isNaN(first)) first = value;
    last = value;
    if (value < low) [low, at] = [value, x[i] ?? NaN];
  });
  if (Number.isNaN(first)) return `${title} of ${run}: no finite value.`;
  return `${title} of ${run}: from ${figure(first)} to ${figure(last)}; lowest ${figure(low)} at step ${count(at)}.`;
}
