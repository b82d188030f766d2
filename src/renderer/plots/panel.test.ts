import { describe, expect, it } from 'vitest';
import { boxZoom, pan, zoomAbout } from './gestures';
import { fromPixelX, nearest, placeEnds, placeMarks, toPixelX, toPixelY, viewPanel } from './panel';
import type { PanelInput, PanelView } from './panel';
import { seriesOf } from './testing';

const line = { series: seriesOf([1, 10, 100, 1000], [8, 4, 2, 1], [8, 5, 3, 2]) };
const input = (over: Partial<PanelInput> = {}): PanelInput => ({
  lines: [line],
  axis: 'step',
  logX: false,
  logY: true,
  width: 450,
  height: 178,
  zoomX: undefined,
  zoomY: undefined,
  ...over,
});
function view(over: Partial<PanelInput> = {}): PanelView {
  const made = viewPanel(input(over));
  if (!made) throw new Error('no view');
  return made;
}

describe('viewPanel', () => {
  it('shows everything until somebody zooms', () => {
    const whole = view();
    expect(whole.x).toEqual([0, 1000]);
    expect(view({ logX: true }).x).toEqual([1, 1000]);
    expect(whole.lines[0]?.raw.y).toEqual([8, 4, 2, 1]);
    expect(whole.lines[0]?.smooth.y).toEqual([8, 5, 3, 2]);
    expect(whole.y[0]).toBeLessThan(1);
    expect(whole.yTicks.map(({ text }) => text)).toEqual(['1', '2', '5']);
    const zoomed = view({ zoomX: [5, 50], zoomY: [1, 10] });
    expect(zoomed.lines[0]?.raw.x).toEqual([1, 10, 100]);
    expect(zoomed.y).toEqual([1, 10]);
  });

  it('makes room for every line, and for the labels at their ends', () => {
    const other = { series: seriesOf([500, 4000], [20, 0.1]), end: 'slate-otter' };
    const both = view({ lines: [line, other] });
    expect(both.x).toEqual([0, 4000]);
    expect(both.y[0]).toBeLessThan(0.1);
    expect(both.y[1]).toBeGreaterThan(20);
    expect(both.frame.right).toBeGreaterThan(60);
    expect(placeEnds(both).map(({ index, text }) => [index, text])).toEqual([[1, 'slate-otter']]);
  });

  it('moves labels apart where lines end close together', () => {
    const lines = ['q1', 'q2', 'q3'].map((end) => ({ series: line.series, end }));
    const ys = placeEnds(view({ lines })).map(({ y }) => y);
    expect((ys[1] ?? 0) - (ys[0] ?? 0)).toBe(11);
    expect((ys[2] ?? 0) - (ys[1] ?? 0)).toBe(11);
  });

  it('counts what a log axis cannot show', () => {
    const series = { ...seriesOf([1, 2, 3, 4], [NaN, NaN, 2, 1], [-1, 1, 2, 2]), dropped: 2 };
    const shown = view({ lines: [{ series }] });
    expect(shown.dropped).toBe(2);
    expect(shown.lines[0]?.raw.y).toEqual([2, 1]);
    expect(shown.lines[0]?.smooth.y).toEqual([1, 2, 2]);
  });

  it('is undefined without a point, and makes room around a single one', () => {
    expect(viewPanel(input({ lines: [] }))).toBeUndefined();
    expect(viewPanel(input({ lines: [{ series: seriesOf([], []) }] }))).toBeUndefined();
    expect(viewPanel(input({ lines: [{ series: seriesOf([1], [NaN]) }] }))).toBeUndefined();
    expect(view({ lines: [{ series: seriesOf([5], [5]) }] }).x).toEqual([4, 6]);
  });

  it('never gives a painter more than about two points a pixel', () => {
    const x = Array.from({ length: 50_000 }, (_, i) => i);
    const series = seriesOf(x, x.map(Math.sin));
    const shown = view({ lines: [{ series }], logY: false });
    expect(shown.lines[0]?.raw.x.length).toBeLessThanOrEqual(2 * 400 + 2);
  });

  it('speaks of time on the time axes', () => {
    const wall = [0, 1, 2, 3].map((k) => 1.7e12 + k * 3600e3);
    const clock = view({ lines: [{ series: seriesOf(wall, [1, 2, 3, 4]) }], axis: 'wall' });
    expect(clock.xTicks[0]?.text).toMatch(/^\d\d:\d\d$/);
    const active = { series: seriesOf([0, 100, 200, 600], [1, 2, 3, 4]) };
    expect(view({ lines: [active], axis: 'active' }).xTicks.at(-1)?.text).toMatch(/min/);
    const short = { series: seriesOf([2.6, 3.1, 3.8, 4.7], [1, 2, 3, 4]) };
    const texts = view({ lines: [short], axis: 'elapsed' }).xTicks.map(({ text }) => text);
    expect(texts).toContain('3.5 s');
    expect(new Set(texts).size).toBe(texts.length);
  });
});

describe('pixels', () => {
  it('go there and back, linear and log', () => {
    for (const logX of [false, true]) {
      const shown = view({ logX });
      for (const value of [1, 30, 1000]) {
        expect(fromPixelX(toPixelX(value, shown), shown)).toBeCloseTo(value, 6);
      }
    }
    const shown = view();
    expect(toPixelY(shown.y[1], shown)).toBeCloseTo(16, 6);
  });

  it('find the nearest point', () => {
    expect([0, 5, 6, 99, 1e6].map((v) => nearest([1, 10, 100], v))).toEqual([0, 0, 1, 2, 2]);
    expect(nearest([], 1)).toBe(-1);
    expect(nearest([3], 9)).toBe(0);
  });

  it('keep only the marks in view', () => {
    const marks = [
      { x: 10, sign: 'lr' },
      { x: 100, sign: 'α' },
    ];
    const placed = placeMarks(marks, view({ zoomX: [50, 500] }));
    expect(placed.lines).toEqual([100]);
    expect(placed.labels.map(({ text }) => text)).toEqual(['α']);
  });
});

describe('gestures', () => {
  it('zoom to the box that was drawn, and to one axis where it is flat', () => {
    const shown = view({ zoomX: [0, 400], zoomY: [1, 100] });
    const box = boxZoom({ x: 140, y: 40 }, { x: 240, y: 140 }, shown);
    expect(box?.x?.[0]).toBeCloseTo(100, 6);
    expect(box?.x?.[1]).toBeCloseTo(200, 6);
    expect(box?.y?.[0]).toBeGreaterThan(1);
    expect(boxZoom({ x: 140, y: 40 }, { x: 240, y: 44 }, shown)?.y).toBeUndefined();
    expect(boxZoom({ x: 140, y: 40 }, { x: 142, y: 90 }, shown)?.x).toBeUndefined();
    expect(boxZoom({ x: 140, y: 40 }, { x: 142, y: 42 }, shown)).toBeUndefined();
  });

  it('move the window with the pointer, and zoom about a value that stays', () => {
    const shown = view({ zoomX: [100, 500], zoomY: [1, 100] });
    const moved = pan({ x: 200, y: 50 }, { x: 300, y: 50 }, shown, true);
    expect(moved.x?.map(Math.round)).toEqual([0, 400]);
    expect(moved.y?.map(Math.round)).toEqual([1, 100]);
    expect(pan({ x: 200, y: 50 }, { x: 300, y: 50 }, shown, false).y).toBeUndefined();
    const zoomed = zoomAbout(300, 0.5, shown);
    expect(zoomed.map(Math.round)).toEqual([200, 400]);
  });
});
