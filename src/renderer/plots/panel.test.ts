import { describe, expect, it } from 'vitest';
import { fromPixelX, nearest, placeMarks, toPixelX, toPixelY, viewPanel } from './panel';
import type { PanelInput } from './panel';

const input = (over: Partial<PanelInput> = {}): PanelInput => ({
  x: Float64Array.of(1, 10, 100, 1000),
  raw: Float64Array.of(8, 4, 2, 1),
  smoothed: Float64Array.of(8, 5, 3, 2),
  axis: 'step',
  logX: false,
  logY: true,
  width: 450,
  height: 178,
  zoomX: undefined,
  zoomY: undefined,
  ...over,
});

describe('viewPanel', () => {
  it('shows everything until somebody zooms', () => {
    const view = viewPanel(input());
    expect(view?.x).toEqual([0, 1000]);
    expect(viewPanel(input({ logX: true }))?.x).toEqual([1, 1000]);
    expect(view?.rawLine.y).toEqual([8, 4, 2, 1]);
    expect(view?.smoothLine.y).toEqual([8, 5, 3, 2]);
    expect(view?.y[0]).toBeLessThan(1);
    expect(view?.yTicks.map(({ text }) => text)).toEqual(['1', '2', '5']);
    const zoomed = viewPanel(input({ zoomX: [5, 50], zoomY: [1, 10] }));
    expect(zoomed?.rawLine.x).toEqual([1, 10, 100]);
    expect(zoomed?.y).toEqual([1, 10]);
  });

  it('drops and counts what a log axis cannot show', () => {
    const raw = Float64Array.of(0, -1, 2, NaN);
    const view = viewPanel(input({ raw, smoothed: raw }));
    expect(view?.dropped).toBe(2);
    expect(view?.rawLine.y).toEqual([2]);
    expect(viewPanel(input({ raw, smoothed: raw, logY: false }))?.dropped).toBe(0);
  });

  it('is undefined without a point, and makes room around a single one', () => {
    const none = new Float64Array(0);
    expect(viewPanel(input({ x: none, raw: none, smoothed: none }))).toBeUndefined();
    const nan = Float64Array.of(NaN);
    expect(viewPanel(input({ x: Float64Array.of(1), raw: nan, smoothed: nan }))).toBeUndefined();
    const one = Float64Array.of(5);
    expect(viewPanel(input({ x: one, raw: one, smoothed: one }))?.x).toEqual([4, 6]);
  });

  it('never gives plotly more than about two points a pixel', () => {
    const n = 50_000;
    const x = Float64Array.from({ length: n }, (_, i) => i);
    const raw = x.map((i) => Math.sin(i));
    const view = viewPanel(input({ x, raw, smoothed: raw, logY: false }));
    expect(view?.rawLine.x.length).toBeLessThanOrEqual(2 * 400 + 2);
  });

  it('speaks of time on the time axes', () => {
    const wall = Float64Array.of(0, 1, 2, 3).map((k) => 1.7e12 + k * 3600e3);
    expect(viewPanel(input({ x: wall, axis: 'wall' }))?.xTicks[0]?.text).toMatch(/^\d\d:\d\d$/);
    const active = Float64Array.of(0, 100, 200, 600);
    expect(viewPanel(input({ x: active, axis: 'active' }))?.xTicks.at(-1)?.text).toMatch(/min/);
  });
});

describe('pixels', () => {
  it('go there and back, linear and log', () => {
    for (const log of [false, true]) {
      for (const value of [1, 30, 1000]) {
        const view = viewPanel(input({ logX: log }));
        if (!view) throw new Error('no view');
        expect(fromPixelX(toPixelX(value, view, log, 450), view, log, 450)).toBeCloseTo(value, 6);
      }
    }
    const view = viewPanel(input());
    if (!view) throw new Error('no view');
    expect(toPixelY(view.y[1], view, true, 178)).toBeCloseTo(16, 6);
  });

  it('find the nearest point', () => {
    expect([0, 5, 6, 99, 1e6].map((v) => nearest([1, 10, 100], v))).toEqual([0, 0, 1, 2, 2]);
    expect(nearest([], 1)).toBe(-1);
    expect(nearest([3], 9)).toBe(0);
  });

  it('keep only the marks in view', () => {
    const view = viewPanel(input({ zoomX: [50, 500] }));
    if (!view) throw new Error('no view');
    const marks = [
      { x: 10, sign: 'lr' },
      { x: 100, sign: 'α' },
    ];
    const placed = placeMarks(marks, view, false, 450);
    expect(placed.lines).toEqual([100]);
    expect(placed.labels.map(({ text }) => text)).toEqual(['α']);
  });
});
