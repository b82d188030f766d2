import type { XAxis } from '@shared/config/notebook';
import { decimate } from '@shared/maths/decimate';
import { duration, short } from '../components/format';
import type { Series } from '../session/curves-buffer';
import { labelsThatFit } from './labels';
import { linearTicks, logTicks, tickText, tickTexts } from './ticks';

/** Room around the plot, pixels; on the right more where lines are labelled. */
const MARGIN = { left: 40, right: 10, top: 16, bottom: 20 };
const LABEL = 6.2; // width of a character of an end label, pixels

export type Range = readonly [from: number, to: number];

/** The plot's place in its panel, pixels, and how its axes run. */
export interface Frame {
  width: number;
  height: number;
  left: number;
  right: number;
  top: number;
  bottom: number;
  logX: boolean;
  logY: boolean;
}

export interface PanelInput {
  lines: readonly { series: Series; end?: string | undefined }[];
  axis: XAxis;
  logX: boolean;
  logY: boolean;
  width: number;
  height: number;
  /** Chosen by zooming; otherwise everything. */
  zoomX: Range | undefined;
  zoomY: Range | undefined;
}

export interface Line {
  x: number[];
  y: number[];
}

/** All that is to be drawn, and where: what both painters are given, and what the crosshair reads. */
export interface PanelView {
  frame: Frame;
  lines: { raw: Line; smooth: Line; end: string | undefined }[];
  x: Range;
  y: Range;
  xTicks: { at: number; text: string }[];
  yTicks: { at: number; text: string }[];
  /** Points at or below 0 that a log axis cannot show. */
  dropped: number;
}

/** Undefined when there is no point to draw. */
export function viewPanel(input: PanelInput): PanelView | undefined {
  const { logX, logY, width, height } = input;
  const longest = Math.max(0, ...input.lines.map(({ end }) => end?.length ?? 0));
  const frame: Frame = {
    ...MARGIN,
    ...{ width, height, logX, logY },
    right: longest > 0 ? Math.ceil(longest * LABEL) + 10 : MARGIN.right,
  };
  const plotWidth = Math.max(1, width - frame.left - frame.right);
  const x = input.zoomX ?? extentX(input.lines, input.axis, logX);
  if (!x) return undefined;
  const window = { from: x[0], to: x[1], pixels: plotWidth, log: logX };
  const lines = input.lines.map(({ series: { x: at, raw, smoothed }, end }) => {
    const kept = ({ values, extremes }: Series['raw']): Line => {
      const indices = decimate(at, values, window, extremes);
      const shown = logY ? indices.filter((i) => (values[i] ?? NaN) > 0) : indices;
      return { x: shown.map((i) => at[i] ?? NaN), y: shown.map((i) => values[i] ?? NaN) };
    };
    return { raw: kept(raw), smooth: kept(smoothed), end };
  });
  if (lines.every(({ raw }) => raw.x.length === 0)) return undefined;
  const y =
    input.zoomY ??
    extentY(
      lines.flatMap(({ raw, smooth }) => [...raw.y, ...smooth.y]),
      logY,
    );
  const most = Math.max(2, Math.min(6, Math.floor(plotWidth / 56)));
  return {
    frame,
    lines,
    x,
    y,
    xTicks: xTicks(input.axis, x, logX, most),
    yTicks: yTicks(y, logY),
    dropped: input.lines.reduce((sum, { series }) => sum + series.dropped, 0),
  };
}

function yTicks([from, to]: Range, log: boolean): PanelView['yTicks'] {
  const ticks = log ? logTicks(from, to, 4) : linearTicks(from, to, 4);
  const texts = tickTexts(ticks);
  return ticks.map((at, i) => ({ at, text: texts[i] ?? '' }));
}

function extentX(lines: PanelInput['lines'], axis: XAxis, log: boolean): Range | undefined {
  let first = Infinity;
  let last = -Infinity;
  for (const { series } of lines) {
    const { x } = series;
    first = Math.min(first, (log ? x.find((value) => value > 0) : x[0]) ?? Infinity);
    last = Math.max(last, x[x.length - 1] ?? -Infinity);
  }
  if (first > last) return undefined;
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
  if (axis === 'active' || axis === 'elapsed') {
    const ticks = log ? logTicks(from, to, most) : spanTicks(from, to, most);
    return ticks.map((at) => ({
      at,
      // A rounded time would stand at several ticks of a short span.
      text: Number.isInteger(at) || at > 60 ? duration(at) : `${tickText(at)} s`,
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

const scaled = (value: number, log: boolean): number => (log ? Math.log10(value) : value);
const unscaled = (value: number, log: boolean): number => (log ? 10 ** value : value);

/** Pixels from the panel's left edge. */
export function toPixelX(value: number, { frame, x }: PanelView): number {
  const [from, to] = x.map((each) => scaled(each, frame.logX)) as [number, number];
  const share = (scaled(value, frame.logX) - from) / (to - from);
  return frame.left + share * (frame.width - frame.left - frame.right);
}

export function toPixelY(value: number, { frame, y }: PanelView): number {
  const [from, to] = y.map((each) => scaled(each, frame.logY)) as [number, number];
  const share = (scaled(value, frame.logY) - from) / (to - from);
  return frame.height - frame.bottom - share * (frame.height - frame.top - frame.bottom);
}

export function fromPixelX(pixel: number, { frame, x }: PanelView): number {
  const share = (pixel - frame.left) / (frame.width - frame.left - frame.right);
  const [from, to] = x.map((each) => scaled(each, frame.logX)) as [number, number];
  return unscaled(from + share * (to - from), frame.logX);
}

export function fromPixelY(pixel: number, { frame, y }: PanelView): number {
  const share = (frame.height - frame.bottom - pixel) / (frame.height - frame.top - frame.bottom);
  const [from, to] = y.map((each) => scaled(each, frame.logY)) as [number, number];
  return unscaled(from + share * (to - from), frame.logY);
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
): { lines: number[]; labels: { at: number; text: string }[] } {
  const inside = marks.filter(({ x }) => x >= view.x[0] && x <= view.x[1]);
  return {
    lines: inside.map(({ x }) => x),
    labels: labelsThatFit(
      inside.map(({ x, sign }) => ({ at: toPixelX(x, view), text: sign })),
      view.frame.width,
    ),
  };
}

const LABEL_GAP = 11; // pixels between the middles of two end labels

/** The labels right of the lines' ends, moved apart where lines end close together. */
export function placeEnds(view: PanelView): { index: number; y: number; text: string }[] {
  const { frame } = view;
  const ends = view.lines.flatMap(({ smooth, end }, index) => {
    let last = smooth.x.length - 1;
    while (last > 0 && (smooth.x[last] ?? 0) > view.x[1]) last -= 1;
    const y = toPixelY(smooth.y[last] ?? NaN, view);
    return end === undefined || !Number.isFinite(y) ? [] : [{ index, y, text: end }];
  });
  ends.sort((a, b) => a.y - b.y);
  let free = frame.top;
  for (const end of ends) {
    end.y = Math.max(free, Math.min(end.y, frame.height - frame.bottom));
    free = end.y + LABEL_GAP;
  }
  return ends;
}
