import type { Extent } from '../../session/prototype-history';

export interface Size {
  width: number;
  height: number;
}

/** From the plane to pixels: one scale for both axes, so that distances on the map are distances. */
export interface Scale {
  x: (value: number) => number;
  y: (value: number) => number;
}

/** Room for a glyph and its ring at the edge, pixels. */
const PAD = 26;

export function scaleOf(extent: Extent, { width, height }: Size): Scale {
  const [x0, x1] = extent.x;
  const [y0, y1] = extent.y;
  const room = (pixels: number): number => Math.max(1, pixels - 2 * PAD);
  const unit = Math.min(room(width) / (x1 - x0 || 1), room(height) / (y1 - y0 || 1));
  return {
    x: (value) => width / 2 + (value - (x0 + x1) / 2) * unit,
    y: (value) => height / 2 - (value - (y0 + y1) / 2) * unit,
  };
}

/** Between two planes, `share` of the way from the first to the second. */
export function between(a: Float64Array, b: Float64Array, share: number): Float64Array {
  if (share <= 0 || a.length !== b.length) return a;
  return a.map((value, i) => value + share * ((b[i] as number) - value));
}

/** The index of the nearest of the points within `reach`; -1 when there is none. */
export function nearestPoint(
  points: readonly (readonly [number, number])[],
  x: number,
  y: number,
  reach: number,
): number {
  let best = -1;
  let least = reach;
  points.forEach(([px, py], i) => {
    const apart = Math.hypot(px - x, py - y);
    if (apart <= least) {
      least = apart;
      best = i;
    }
  });
  return best;
}

export type Direction = 'ArrowLeft' | 'ArrowRight' | 'ArrowUp' | 'ArrowDown';

/** More pixels than any map is wide. */
const BESIDE = 1e6;

const AHEAD: Record<Direction, readonly [number, number]> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

export const isDirection = (key: string): key is Direction => key in AHEAD;

/**
 * The point to go to from one of them: the nearest of those within 45° of the direction, steps
 * aside counted double; where there are none, of all those ahead; else the same point.
 */
export function neighbour(
  points: readonly (readonly [number, number])[],
  from: number,
  direction: Direction,
): number {
  const [ax, ay] = AHEAD[direction];
  const [x, y] = points[from] ?? [0, 0];
  let best = from;
  let least = Infinity;
  points.forEach(([px, py], i) => {
    const ahead = (px - x) * ax + (py - y) * ay;
    const aside = Math.abs((px - x) * ay) + Math.abs((py - y) * ax);
    if (i === from || ahead <= 0) return;
    const way = ahead + 2 * aside + (aside > ahead ? BESIDE : 0);
    if (way < least) {
      least = way;
      best = i;
    }
  });
  return best;
}
