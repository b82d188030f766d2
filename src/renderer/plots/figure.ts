import type { Config, Dash, Data, Layout } from 'plotly.js';
import { MARGIN, placeMarks } from './panel';
import type { Mark, PanelView } from './panel';

export interface FigureStyle {
  logX: boolean;
  logY: boolean;
  width: number;
  height: number;
  marks: readonly Mark[];
  live: boolean;
  /** SVG dash list of the run, empty for solid. */
  dash: string;
  stroke: string;
  line: string;
  text: string;
  text2: string;
  ground: string;
  font: string;
}

/** A panel's view as plotly draws it: raw line, smoothed line, marks, and nothing by itself. */
export function figureOf(
  view: PanelView,
  style: FigureStyle,
): { data: Data[]; layout: Partial<Layout>; config: Partial<Config> } {
  const { lines, labels } = placeMarks(style.marks, view, style.logX, style.width);
  const axisX = (value: number): number => (style.logX ? Math.log10(value) : value);
  const axisY = (value: number): number => (style.logY ? Math.log10(value) : value);
  const dash = (
    style.dash === '' ? 'solid' : style.dash.replace(/(\S+) ?/g, '$1px,').slice(0, -1)
  ) as Dash;
  const end = view.smoothLine.x.length - 1;
  const data: Data[] = [
    {
      ...view.rawLine,
      type: 'scatter',
      mode: 'lines',
      opacity: 0.27,
      line: { color: style.stroke, width: 1 },
    },
    {
      ...view.smoothLine,
      type: 'scatter',
      mode: view.smoothLine.x.length === 1 ? 'markers' : 'lines',
      line: { color: style.stroke, width: 1.9, dash },
      marker: { color: style.stroke, size: 5 },
    },
  ];
  if (style.live && end > 0) {
    data.push({
      x: view.smoothLine.x.slice(end),
      y: view.smoothLine.y.slice(end),
      type: 'scatter',
      mode: 'markers',
      marker: { color: style.stroke, size: 6, line: { color: style.ground, width: 1 } },
    });
  }
  const plotWidth = style.width - MARGIN.left - MARGIN.right;
  const layout: Partial<Layout> = {
    width: style.width,
    height: style.height,
    margin: { l: MARGIN.left, r: MARGIN.right, t: MARGIN.top, b: MARGIN.bottom, pad: 0 },
    paper_bgcolor: 'rgba(0,0,0,0)',
    plot_bgcolor: 'rgba(0,0,0,0)',
    font: { family: style.font, size: 10.5, color: style.text },
    showlegend: false,
    hovermode: false,
    dragmode: 'zoom',
    xaxis: {
      type: style.logX ? 'log' : 'linear',
      range: [axisX(view.x[0]), axisX(view.x[1])],
      tickmode: 'array',
      tickvals: view.xTicks.map(({ at }) => at),
      ticktext: view.xTicks.map(({ text }) => text),
      showgrid: false,
      zeroline: false,
      ticks: '',
      fixedrange: false,
    },
    yaxis: {
      type: style.logY ? 'log' : 'linear',
      range: [axisY(view.y[0]), axisY(view.y[1])],
      tickmode: 'array',
      tickvals: view.yTicks.map(({ at }) => at),
      ticktext: view.yTicks.map(({ text }) => text),
      gridcolor: style.line,
      zeroline: false,
      ticks: '',
      fixedrange: false,
    },
    shapes: lines.map((x) => ({
      type: 'line',
      xref: 'x',
      yref: 'paper',
      x0: x,
      x1: x,
      y0: 0,
      y1: 1,
      line: { color: style.text, width: 1, dash: 'dot' },
    })),
    annotations: labels.map(({ at, text }) => ({
      text,
      xref: 'paper',
      yref: 'paper',
      x: (at - MARGIN.left) / plotWidth,
      y: 1,
      yanchor: 'bottom',
      showarrow: false,
      font: { size: 10.5, color: style.text2 },
    })),
  };
  return {
    data,
    layout,
    config: {
      showTips: false,
      displayModeBar: false,
      doubleClick: false,
      scrollZoom: false,
      responsive: false,
    },
  };
}
