import { describe, expect, it } from 'vitest';
import { figureOf } from './figure';
import type { FigureStyle } from './figure';
import { viewPanel } from './panel';
import { seriesOf } from './testing';

const stroke = { stroke: '#2f4bbd', dash: '2 2.5', live: true };
const style: FigureStyle = {
  marks: [{ x: 100, sign: 'lr' }],
  strokes: [stroke],
  line: '#e0e3e8',
  text: '#626a75',
  text2: '#48505a',
  ground: '#fff',
  font: 'Inter',
};
const made = viewPanel({
  lines: [{ series: seriesOf([1, 100, 200], [1, 0.5, 0.1], [1, 0.6, 0.2]), end: 'q1' }],
  axis: 'step',
  logX: false,
  logY: true,
  width: 450,
  height: 178,
  zoomX: undefined,
  zoomY: undefined,
});
if (!made) throw new Error('no view');
const view = made;

describe('figureOf', () => {
  it('draws the raw line behind the smoothed one, with the run’s dash and an end dot', () => {
    const { data } = figureOf(view, style);
    expect(data).toHaveLength(3);
    expect(data[0]).toMatchObject({ opacity: 0.27, y: [1, 0.5, 0.1] });
    expect(data[1]).toMatchObject({ line: { width: 1.9, dash: '2px,2.5px' }, y: [1, 0.6, 0.2] });
    expect(data[2]).toMatchObject({ x: [200], y: [0.2] });
    expect(figureOf(view, { ...style, strokes: [{ ...stroke, live: false }] }).data).toHaveLength(
      2,
    );
  });

  it('gives plotly log10 ranges on log axes, a dotted line with its sign per change, end labels', () => {
    const { layout } = figureOf(view, style);
    expect(layout.yaxis?.range?.[0]).toBeCloseTo(Math.log10(view.y[0]), 9);
    expect(layout.xaxis?.range).toEqual([0, 200]);
    expect(layout.shapes).toHaveLength(1);
    expect(layout.shapes?.[0]).toMatchObject({ x0: 100, line: { dash: 'dot' } });
    expect(layout.annotations?.[0]).toMatchObject({ text: 'lr' });
    expect(layout.annotations?.[1]).toMatchObject({ text: 'q1', font: { color: '#2f4bbd' } });
  });
});
