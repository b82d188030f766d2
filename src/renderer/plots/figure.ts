import type { Config, Dash, Data, Layout } from 'plotly.js';
import { placeEnds, placeMarks } from './panel';
import type { Mark, PanelView } from './panel';

export interface FigureStyle {
  marks: readonly Mark[];
  /**
   * One a line: colour, SVG dash list (empty for solid), whether its end is still growing, and
   * whether it is what came before a branch.
   */
  strokes: readonly { stroke: string; dash: string; live: boolean; ghost?: boolean }[];
  line: string;
  text: string;
  text2: string;
  ground: string;
  font: string;
}

/** The raw line is this faint. */
export const RAW_OPACITY = 0.27;
/** A ghost has no raw line, and its smoothed one is this faint. */
export const GHOST_OPACITY = 0.45;
export const GHOST_WIDTH = 1.3;
export const TICK_SIZE = 10.5;

/** A panel's view as plotly draws it: raw lines, smoothed lines, marks, and nothing by itself. */
export function figureOf(
  view: PanelView,
  style: FigureStyle,
): { data: Data[]; layout: Partial<Layout>; config: Partial<Config> } {
  const { frame } = view;
  const marks = placeMarks(style.marks, view);
  const range = ([from, to]: PanelView['x'], log: boolean): [number, number] =>
    log ? [Math.log10(from), Math.log10(to)] : [from, to];
  const axis = (log: boolean, ticks: PanelView['xTicks'], span: PanelView['x']) => ({
    type: log ? ('log' as const) : ('linear' as const),
    range: range(span, log),
    tickmode: 'array' as const,
    tickvals: ticks.map(({ at }) => at),
    ticktext: ticks.map(({ text }) => text),
    zeroline: false,
    ticks: '' as const,
  });
  const plotWidth = frame.width - frame.left - frame.right;
  const plotHeight = frame.height - frame.top - frame.bottom;
  const note = (text: string, x: number, y: number, color: string) => ({
    text,
    xref: 'paper' as const,
    yref: 'paper' as const,
    x: (x - frame.left) / plotWidth,
    y: 1 - (y - frame.top) / plotHeight,
    showarrow: false,
    font: { size: TICK_SIZE, color },
  });
  return {
    data: view.lines.flatMap((line, i) => tracesOf(line, style, i)),
    layout: {
      width: frame.width,
      height: frame.height,
      margin: { l: frame.left, r: frame.right, t: frame.top, b: frame.bottom, pad: 0 },
      paper_bgcolor: 'rgba(0,0,0,0)',
      plot_bgcolor: 'rgba(0,0,0,0)',
      font: { family: style.font, size: TICK_SIZE, color: style.text },
      showlegend: false,
      hovermode: false,
      xaxis: { ...axis(frame.logX, view.xTicks, view.x), showgrid: false },
      yaxis: { ...axis(frame.logY, view.yTicks, view.y), gridcolor: style.line },
      shapes: marks.lines.map((x) => ({
        type: 'line',
        xref: 'x',
        yref: 'paper',
        x0: x,
        x1: x,
        y0: 0,
        y1: 1,
        line: { color: style.text, width: 1, dash: 'dot' },
      })),
      annotations: [
        ...marks.labels.map(({ at, text }) => ({
          ...note(text, at, frame.top, style.text2),
          yanchor: 'bottom' as const,
        })),
        ...placeEnds(view).map(({ index, y, text }) => ({
          ...note(text, frame.width - frame.right + 4, y, style.strokes[index]?.stroke ?? ''),
          xanchor: 'left' as const,
          yanchor: 'middle' as const,
        })),
      ],
    },
    // Gestures are the panel's own, so that all panels move together.
    config: { staticPlot: true, responsive: false },
  };
}

function tracesOf(
  { raw, smooth }: PanelView['lines'][number],
  style: FigureStyle,
  index: number,
): Data[] {
  const { stroke = '', dash = '', live = false, ghost = false } = style.strokes[index] ?? {};
  const dashed = (dash === '' ? 'solid' : dash.replace(/(\S+) ?/g, '$1px,').slice(0, -1)) as Dash;
  const end = smooth.x.length - 1;
  const data: Data[] = [
    {
      ...(ghost ? { x: [], y: [] } : raw),
      type: 'scatter',
      mode: 'lines',
      opacity: RAW_OPACITY,
      line: { color: stroke, width: 1 },
    },
    {
      ...smooth,
      type: 'scatter',
      mode: smooth.x.length === 1 ? 'markers' : 'lines',
      opacity: ghost ? GHOST_OPACITY : 1,
      line: { color: stroke, width: ghost ? GHOST_WIDTH : 1.9, dash: dashed },
      marker: { color: stroke, size: 5 },
    },
  ];
  if (live && end > 0) {
    data.push({
      x: smooth.x.slice(end),
      y: smooth.y.slice(end),
      type: 'scatter',
      mode: 'markers',
      marker: { color: stroke, size: 6, line: { color: style.ground, width: 1 } },
    });
  }
  return data;
}
