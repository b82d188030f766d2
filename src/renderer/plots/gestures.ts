import { fromPixelX, fromPixelY, toPixelX } from './panel';
import type { PanelView, Range } from './panel';

/** A point in the panel, pixels from its left and top. */
export interface Point {
  x: number;
  y: number;
}
export interface Zoom {
  x: Range | undefined;
  y: Range | undefined;
}

/** Shorter than this a drag is a click, and an edge of a box means all of its axis; pixels. */
const SHORT = 6;

/** The window that a box drawn from one corner to the other asks for; undefined for a click. */
export function boxZoom(from: Point, to: Point, view: PanelView): Zoom | undefined {
  const wide = Math.abs(to.x - from.x) >= SHORT;
  const high = Math.abs(to.y - from.y) >= 2 * SHORT;
  if (!wide && !high) return undefined;
  const { frame } = view;
  const x = inside([from.x, to.x], frame.left, frame.width - frame.right);
  const y = inside([from.y, to.y], frame.top, frame.height - frame.bottom);
  return {
    x: wide ? [fromPixelX(x[0], view), fromPixelX(x[1], view)] : undefined,
    y: high ? [fromPixelY(y[1], view), fromPixelY(y[0], view)] : undefined,
  };
}

/** The view moved along with a drag; y moves only where it was chosen, else it fits itself. */
export function pan(from: Point, to: Point, start: PanelView, ownY: boolean): Zoom {
  const { frame } = start;
  const dx = from.x - to.x;
  const dy = from.y - to.y;
  return {
    x: [fromPixelX(frame.left + dx, start), fromPixelX(frame.width - frame.right + dx, start)],
    y: ownY
      ? [fromPixelY(frame.height - frame.bottom + dy, start), fromPixelY(frame.top + dy, start)]
      : undefined,
  };
}

/** The x window made `factor` times as wide about a value that stays where it is. */
export function zoomAbout(value: number, factor: number, view: PanelView): Range {
  const { frame } = view;
  const at = toPixelX(value, view);
  return [
    fromPixelX(at + (frame.left - at) * factor, view),
    fromPixelX(at + (frame.width - frame.right - at) * factor, view),
  ];
}

/** Whether a point is on the plot itself. */
export function onPlot(view: PanelView, x: number): boolean {
  return x >= toPixelX(view.x[0], view) - 1 && x <= toPixelX(view.x[1], view) + 1;
}

function inside([a, b]: [number, number], low: number, high: number): [number, number] {
  const clip = (value: number): number => Math.max(low, Math.min(high, value));
  return [clip(Math.min(a, b)), clip(Math.max(a, b))];
}
