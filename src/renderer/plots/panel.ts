import type { XAxis } from '@shared/config/notebook';
import { decimate } from '@shared/maths/decimate';
import { duration, short } from '../components/format';
import { labelsThatFit } from './labels';
import { linearTicks, logTicks, tickText, tickTexts } from './ticks';

/** Room around the plot, pixels. */
export const MARGIN = { left: 40, right: 10, top: 16, bottom: 20 };

export interface PanelInput {
  /** [n] ascending */
  x: Float64Array;
  /** [n] */
  raw: Float64Array;
  /** [n] */
  smoothed: Float64Array;
  axis: XAxis;
  logX: boolean;
  logY: boolean;
  width: number;
  height: number;
  /** Chosen by zooming; otherwise everything. */
  zoomX: Range | undefined;
  zoomY: Range | undefined;
}

export type Range = readonly [from: number, to: number];

export interface Line {
  x: number[];
  y: number[];
}

/** All that is to be drawn, and where: what plotly is given, and what the crosshair reads. */
export interface PanelView {
  rawLine: Line;
  smoothLine: Line;
  x: Range;
  y: Range;
  xTicks: { at: number; text: string }[];
  yTicks: { at: number; text: string }[];
  /** Points at or below 0 that a log axis cannot show. */
  dropped: number;
}

/** Undefined when there is no point to draw. */
export function viewPanel(input: PanelInput): PanelView | undefined {
  const { logX, logY } = input;
  const plotWidth = Math.max(1, input.width - MARGIN.left - MARGIN.right);
  const { raw, dropped } = drawable(input);
  const x = input.zoomX ?? extentX(input.x, input.axis, logX);
  if (!x) return undefined;
  const window = { from: x[0], to: x[1], pixels: plotWidth, log: logX };
  const kept = decimate(input.x, raw, window);
  if (kept.length === 0) return undefined;
  const keptSmooth = decimate(
    input.x,
    logY ? input.smoothed.map((v) => (v > 0 ? v : NaN)) : input.smoothed,
    window,
  );
  const line = (indices: number[], y: Float64Array): Line => ({
    x: indices.map((i) => input.x[i] ?? NaN),
    y: indices.map((i) => y[i] ?? NaN),
  });
  const rawLine = line(kept, raw);
  const smoothLine = line(keptSmooth, input.smoothed);
  const y = input.zoomY ?? extentY([...rawLine.y, ...smoothLine.y], logY);
  const most = Math.max(2, Math.min(6, Math.floor(plotWidth / 56)));
  return {
    rawLine,
    smoothLine,
    x,
    y,
    xTicks: xTicks(input.axis, x, logX, most),
    yTicks: yTicks(y, logY),
    dropped,
  };
}

function yTicks([from, to]: Range, log: boolean): PanelView['yTicks'] {
  const ticks = log ? logTicks(from, to, 4) : linearTicks(from, to, 4);
  const texts = tickTexts(ticks);
  return ticks.map((at, i) => ({ at, text: texts[i] ?? '' }));
}

function drawable({ raw, logY }: PanelInput): { raw: Float64Array; dropped: number } {
  if (!logY) return { raw, dropped: 0 };
  let dropped = 0;
  for (const value of raw) if (value <= 0) dropped += 1;
  return dropped === 0
    ? { raw, dropped }
    : { raw: raw.map((value) => (value > 0 ? value : NaN)), dropped };
}

function extentX(x: Float64Array, axis: XAxis, log: boolean): Range | undefined {
  const first = log ? x.find((value) => value > 0) : x[0];
  const last = x[x.length - 1];
  if (first === undefined || last === undefined) return undefined;
  // A count that starts near 0 is drawn from 0.
  if (axis !== 'wall' && !log && first >= 0 && first < last * 0.05) return [0, last];
  if (last > first) return [first, last];
  // A single point stands in the middle of something.
  return log ? [first / 2, first * 2] : [first - 1, first + 1];
}

function extentY(values: readonly number[], log: boolean): Range {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (low > high) return log ? [0.1, 1] : [0, 1];
  if (log) {
    const pad = Math.max(0.02, Math.log10(high / low) * 0.05);
    return [low * 10 ** -pad, high * 10 ** pad];
  }
  const pad = high > low ? (high - low) * 0.05 : Math.abs(high) * 0.1 || 1;
  return [low - pad, high + pad];
}

function xTicks(axis: XAxis, [from, to]: Range, log: boolean, most: number): PanelView['xTicks'] {
  if (axis === 'wall') return clockTicks(from, to, most);
  if (axis === 'active') {
    const ticks = log ? logTicks(from, to, most) : spanTicks(from, to, most);
    return ticks.map((at) => ({
      at,
      text: at < 1 && at !== 0 ? `${tickText(at)} s` : duration(at),
    }));
  }
  const ticks = log ? logTicks(from, to, most) : linearTicks(from, to, most);
  return ticks.map((at) => ({ at, text: Number.isInteger(at) ? short(at) : tickText(at) }));
}

const CLOCK_STEPS = [
  2, 5, 10, 20, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21_600, 43_200, 86_400, 604_800,
];

/** Seconds at round numbers of seconds, minutes, hours or days. */
function spanTicks(from: number, to: number, most: number): number[] {
  const step = CLOCK_STEPS.find((each) => (to - from) / each <= most - 1);
  if (to - from < 10 || step === undefined) return linearTicks(from, to, most);
  const ticks: number[] = [];
  for (let at = Math.ceil(from / step) * step; at <= to; at += step) ticks.push(at);
  return ticks;
}

/** Ticks at round times of the clock on the wall, in this computer's zone. */
function clockTicks(from: number, to: number, most: number): PanelView['xTicks'] {
  const zone = new Date(from).getTimezoneOffset() * 60_000;
  const seconds = CLOCK_STEPS.find((each) => (to - from) / 1000 / each <= most - 1) ?? 2_592_000;
  const step = seconds * 1000;
  const ticks: PanelView['xTicks'] = [];
  for (let at = Math.ceil((from - zone) / step) * step + zone; at <= to; at += step) {
    const time = new Date(at).toTimeString();
    const text =
      seconds < 60
        ? time.slice(0, 8)
        : seconds < 86_400
          ? time.slice(0, 5)
          : new Date(at).toLocaleDateString('en', { day: 'numeric', month: 'short' });
    ticks.push({ at, text });
  }
  return ticks;
}

/** Pixels from the panel's left edge. */
export function toPixelX(value: number, view: PanelView, logX: boolean, width: number): number {
  const scale = (v: number): number => (logX ? Math.log10(v) : v);
  const share = (scale(value) - scale(view.x[0])) / (scale(view.x[1]) - scale(view.x[0]));
  return MARGIN.left + share * (width - MARGIN.left - MARGIN.right);
}

export function toPixelY(value: number, view: PanelView, logY: boolean, height: number): number {
  const scale = (v: number): number => (logY ? Math.log10(v) : v);
  const share = (scale(value) - scale(view.y[0])) / (scale(view.y[1]) - scale(view.y[0]));
  return height - MARGIN.bottom - share * (height - MARGIN.top - MARGIN.bottom);
}

export function fromPixelX(pixel: number, view: PanelView, logX: boolean, width: number): number {
  const share = (pixel - MARGIN.left) / (width - MARGIN.left - MARGIN.right);
  const [from, to] = view.x;
  return logX
    ? 10 ** (Math.log10(from) + share * (Math.log10(to) - Math.log10(from)))
    : from + share * (to - from);
}

/** The index whose x is nearest; x ascends. -1 when empty. */
export function nearest(x: ArrayLike<number>, value: number): number {
  let low = 0;
  let high = x.length - 1;
  if (high < 0) return -1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((x[middle] ?? NaN) < value) low = middle;
    else high = middle;
  }
  return value - (x[low] ?? NaN) <= (x[high] ?? NaN) - value ? low : high;
}

export interface Mark {
  /** On the x axis in use. */
  x: number;
  sign: string;
  /** What changed, e.g. `lr 1.0e-3 → 2.0e-4`. */
  words?: string;
}

/** Where the dotted lines of knob changes stand, and their signs, those in view only. */
export function placeMarks(
  marks: readonly Mark[],
  view: PanelView,
  logX: boolean,
  width: number,
): { lines: number[]; labels: { at: number; text: string }[] } {
  const inside = marks.filter(({ x }) => x >= view.x[0] && x <= view.x[1]);
  return {
    lines: inside.map(({ x }) => x),
    labels: labelsThatFit(
      inside.map(({ x, sign }) => ({ at: toPixelX(x, view, logX, width), text: sign })),
    ),
  };
}
