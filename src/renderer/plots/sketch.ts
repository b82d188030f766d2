import { GHOST_OPACITY, GHOST_WIDTH, RAW_OPACITY, TICK_SIZE } from './figure';
import type { FigureStyle } from './figure';
import { placeEnds, placeMarks, toPixelX, toPixelY } from './panel';
import type { Line, PanelView } from './panel';

/**
 * A panel's view on a canvas, as plotly would draw it, in about a millisecond: what a panel shows
 * while it is dragged and zoomed, until it rests. The context is scaled to CSS pixels.
 */
export function sketch(
  context: CanvasRenderingContext2D,
  view: PanelView,
  style: FigureStyle,
): void {
  const { frame } = view;
  const right = frame.width - frame.right;
  const bottom = frame.height - frame.bottom;
  const text = (
    words: string,
    x: number,
    y: number,
    colour: string,
    align: CanvasTextAlign,
  ): void => {
    context.fillStyle = colour;
    context.textAlign = align;
    context.fillText(words, x, y);
  };
  const straight = (x0: number, y0: number, x1: number, y1: number): void => {
    context.beginPath();
    context.moveTo(x0, y0);
    context.lineTo(x1, y1);
    context.stroke();
  };
  context.font = `${TICK_SIZE}px ${style.font}`;
  context.textBaseline = 'middle';
  context.lineWidth = 1;
  context.strokeStyle = style.line;
  for (const { at, text: words } of view.yTicks) {
    const y = Math.round(toPixelY(at, view)) + 0.5;
    straight(frame.left, y, right, y);
    text(words, frame.left - 3, y, style.text, 'right');
  }
  for (const { at, text: words } of view.xTicks) {
    text(words, toPixelX(at, view), bottom + 11, style.text, 'center');
  }

  context.save();
  context.beginPath();
  context.rect(frame.left, frame.top, right - frame.left, bottom - frame.top);
  context.clip();
  const marks = placeMarks(style.marks, view);
  context.strokeStyle = style.text;
  context.setLineDash([3, 3]);
  for (const x of marks.lines) {
    const at = toPixelX(x, view);
    straight(at, frame.top, at, bottom);
  }
  view.lines.forEach(({ raw, smooth }, i) => {
    const { stroke = '', dash = '', ghost = false } = style.strokes[i] ?? {};
    context.strokeStyle = stroke;
    context.setLineDash([]);
    context.lineWidth = 1;
    context.globalAlpha = RAW_OPACITY;
    if (!ghost) trace(context, raw, view);
    context.globalAlpha = ghost ? GHOST_OPACITY : 1;
    context.lineWidth = ghost ? GHOST_WIDTH : 1.9;
    context.setLineDash(dash === '' ? [] : dash.split(' ').map(Number));
    trace(context, smooth, view);
    context.globalAlpha = 1;
  });
  context.restore();
  view.lines.forEach(({ smooth }, i) => {
    const { stroke = '', live = false } = style.strokes[i] ?? {};
    const last = smooth.x.length - 1;
    if ((live || last === 0) && (smooth.x[last] ?? Infinity) <= view.x[1]) {
      const [x, y] = [toPixelX(smooth.x[last] ?? NaN, view), toPixelY(smooth.y[last] ?? NaN, view)];
      context.fillStyle = stroke;
      context.beginPath();
      context.arc(x, y, 3, 0, 2 * Math.PI);
      if (y >= frame.top && y <= bottom) context.fill();
    }
  });
  for (const { at, text: words } of marks.labels)
    text(words, at, frame.top - 7, style.text2, 'center');
  for (const { index, y, text: words } of placeEnds(view)) {
    text(words, right + 4, y, style.strokes[index]?.stroke ?? '', 'left');
  }
}

function trace(context: CanvasRenderingContext2D, { x, y }: Line, view: PanelView): void {
  context.beginPath();
  for (let i = 0; i < x.length; i++)
    context.lineTo(toPixelX(x[i] ?? NaN, view), toPixelY(y[i] ?? NaN, view));
  context.stroke();
}
