import { scaleOf } from '../cells/prototypes/map-geometry';
import type { Planes } from '../cells/prototypes/map-planes';
import { mapSummary } from '../cells/prototypes/summary';
import { alarmOf } from '../cells/prototypes/alarm-words';
import { percent } from '../components/format';
import { GLYPH_SHAPES, prototypeFill } from '../components/palette';
import type { Snapshot } from '../session/prototype-history';
import { html } from './markup';
import type { Markup } from './markup';

const SIZE = { width: 720, height: 400 }; // SVG units
const GLYPH = 22;

/** Names and colours of the prototypes. */
export interface Labels {
  nameOf: (prototype: number) => string;
  colourOf: (prototype: number) => number;
}

/** The map of one snapshot, its summary in words, and a table of the prototypes. */
export function mapMarkup(
  snapshot: Snapshot,
  plane: Float64Array,
  planes: Planes,
  labels: Labels,
): Markup[] {
  const { nameOf, colourOf } = labels;
  const scale = scaleOf(planes.extent, SIZE);
  const n = snapshot.features.shape[0] ?? 0;
  const k = snapshot.bank.shape[0] ?? 0;
  const idOf = (row: number): number => snapshot.ids.data[row] ?? row;
  const x = (i: number): string => scale.x(plane[2 * i] ?? 0).toFixed(1);
  const y = (i: number): string => scale.y(plane[2 * i + 1] ?? 0).toFixed(1);
  const features = Array.from({ length: n }, (_, i) => {
    const [fill] = prototypeFill(colourOf(idOf(snapshot.assignment.data[i] ?? 0)));
    return html`<circle cx="${x(i)}" cy="${y(i)}" r="2.6" fill="${fill}" fill-opacity="0.75" />`;
  });
  const glyphs = Array.from({ length: k }, (_, p) => {
    const id = idOf(p);
    const [fill, ink] = prototypeFill(colourOf(id));
    const half = GLYPH / 2;
    return html`<g
      transform="translate(${Number(x(n + p)) - half} ${Number(y(n + p)) - half}) scale(${GLYPH / 20})"
      ><path
        d="${GLYPH_SHAPES[id % 5] ?? ''}"
        fill="${fill}"
        stroke="#111418"
        stroke-width="1.2"
      /><text
        x="10"
        y="13.6"
        text-anchor="middle"
        style="fill:${ink};font-size:10px;font-weight:700"
        >${id}</text
      ></g
    >`;
  });
  const words = mapSummary(snapshot, planes.shown(snapshot), nameOf);
  const rows = Array.from(
    { length: k },
    (_, p) =>
      html`<tr>
        <th scope="row">${idOf(p)}</th>
        <td>${nameOf(idOf(p)) || 'unnamed'}</td>
        <td>${percent(snapshot.usage.data[p] ?? 0)}</td>
        <td>${alarmOf(snapshot.alarms(), idOf(p)) ?? ''}</td>
      </tr>`,
  );
  return [
    html`<figure>
      <svg viewBox="0 0 ${SIZE.width} ${SIZE.height}" role="img" aria-label="${words}">
        ${features}${glyphs}
      </svg>
      <p class="meta">${words}</p>
    </figure>`,
    html`<table>
      <caption>
        Prototypes, share of the last assignments
      </caption>
      ${rows}
    </table>`,
  ];
}
