/** A place on the pad, in its own units. */
export type Point = readonly [x: number, y: number];

/** The corners of the pad for two prototypes (a segment) or three (a triangle), 100 wide. */
export function cornersOf(parts: number): readonly Point[] {
  const height = 50 * Math.sqrt(3);
  return parts === 2
    ? [
        [0, height / 2],
        [100, height / 2],
      ]
    : [
        [50, 0],
        [0, height],
        [100, height],
      ];
}

/** Where shares (their sum is 1) lie. */
export function pointOf(shares: readonly number[], corners: readonly Point[]): Point {
  const along = (axis: 0 | 1): number =>
    corners.reduce((sum, corner, i) => sum + corner[axis] * (shares[i] ?? 0), 0);
  return [along(0), along(1)];
}

/** The shares at a place; one outside is drawn to the pad's edge. */
export function sharesAt([x, y]: Point, corners: readonly Point[]): number[] {
  const [a, b, c] = corners as [Point, Point, Point | undefined];
  if (c === undefined) {
    const second = (x - a[0]) / (b[0] - a[0]);
    return whole([1 - second, second]);
  }
  const area = (b[1] - c[1]) * (a[0] - c[0]) + (c[0] - b[0]) * (a[1] - c[1]);
  const first = ((b[1] - c[1]) * (x - c[0]) + (c[0] - b[0]) * (y - c[1])) / area;
  const second = ((c[1] - a[1]) * (x - c[0]) + (a[0] - c[0]) * (y - c[1])) / area;
  return whole([first, second, 1 - first - second]);
}

/** One share set, the others keeping their proportions to each other. */
export function withShare(shares: readonly number[], at: number, value: number): number[] {
  const share = Math.min(1, Math.max(0, value));
  const rest = shares.reduce((sum, each, i) => (i === at ? sum : sum + each), 0);
  return whole(
    shares.map((each, i) => {
      if (i === at) return share;
      return rest > 0 ? (each / rest) * (1 - share) : (1 - share) / (shares.length - 1);
    }),
  );
}

/** In whole percent, none below 0, their sum exactly 1: the largest takes what rounding leaves. */
function whole(shares: readonly number[]): number[] {
  const clipped = shares.map((share) => Math.max(0, share));
  const sum = clipped.reduce((total, share) => total + share, 0);
  const percent = clipped.map((share) => Math.round((100 * share) / sum));
  const largest = percent.indexOf(Math.max(...percent));
  percent[largest] = 100 - percent.reduce((n, each, i) => (i === largest ? n : n + each), 0);
  return percent.map((each) => each / 100);
}
