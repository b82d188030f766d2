import { describe, expect, it } from 'vitest';
import { figureOf } from './figure';
import type { FigureStyle } from './figure';
import { viewPanel } from './panel';

const style: FigureStyle = {
  logX: false,
  logY: true,
  width: 450,
  height: 178,
  marks: [{ x: 100, sign: 'lr' }],
  live: true,
  dash: '2 2.5',
  stroke: '#2f4bbd',
  line: '#e0e3e8',
  text: '#626a75',
  text2: '#48505a',
  ground: '#fff',
  font: 'Inter',
};
const view = viewPanel({
  x: Float64Array.of(1, 100, 200),
  raw: Float64Array.of(1, 0.5, 0.1),
  smoothed: Float64Array.of(1, 0.6, 0.2),
  axis: 'step',
  logX: false,
  logY: true,
  width: 450,
  height: 178,
  zoomX: undefined,
  zoomY: undefined,
});

describe('figureOf', () => {
  it('draws the raw line behind the smoothed one, with the run’s dash and an end dot', () => {
    if (!view) throw new Error('no view');
    const { data } = figureOf(view, style);
    expect(data).toHaveLength(3);
    expect(data[0]).toMatchObject({ opacity: 0.27, y: [1, 0.5, 0.1] });
    expect(data[1]).toMatchObject({ line: { width: 1.9, dash: '2px,2.5px' }, y: [1, 0.6, 0.2] });
    expect(data[2]).toMatchObject({ x: [200], y: [0.2] });
    expect(figureOf(view, { ...style, live: false }).data).toHaveLength(2);
  });

  it('gives plotly log10 ranges on log axes, and a dotted line with its sign per change', () => {
    if (!view) throw new Error('no view');
    const { layout } = figureOf(view, style);
    expect(layout.yaxis?.range?.[0]).toBeCloseTo(Math.log10(view.y[0]), 9);
    expect(layout.xaxis?.range).toEqual([0, 200]);
    expect(layout.shapes).toHaveLength(1);
    expect(layout.shapes?.[0]).toMatchObject({ x0: 100, line: { dash: 'dot' } });
    expect(layout.annotations?.[0]).toMatchObject({ text: 'lr' });
  });
});
