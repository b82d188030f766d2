/** A turn or mirror turn about a point, a scale and a shift of the plane. */
export interface Alignment {
  /** Row by row: [x', y'] = scale · [[m0, m1], [m2, m3]] ([x, y] - from) + to */
  matrix: readonly [number, number, number, number];
  scale: number;
  from: readonly [number, number];
  to: readonly [number, number];
}

/**
 * Orthogonal Procrustes in the plane: how `points` are turned, mirrored and shifted to lie nearest,
 * in squares, to `target`. In closed form, so it is deterministic.
 *
 * @param points  [n, 2]
 * @param target  [n, 2], row by row what the points should come near to
 * @param free    whether the size may change too; otherwise distances stay as they are
 * @throws RangeError when the two differ in length
 * @source Gower & Dijksterhuis 2004, Procrustes Problems, 4.1 and 4.6.1
 */
export function procrustes(points: Float64Array, target: Float64Array, free = false): Alignment {
  if (points.length !== target.length) {
    throw new RangeError(`${points.length / 2} points, ${target.length / 2} to lie on`);
  }
  const from = centroid(points);
  const to = centroid(target);
  let [xx, xy, yx, yy, size] = [0, 0, 0, 0, 0];
  for (let i = 0; i < points.length; i += 2) {
    const [px, py] = [(points[i] as number) - from[0], (points[i + 1] as number) - from[1]];
    const [qx, qy] = [(target[i] as number) - to[0], (target[i + 1] as number) - to[1]];
    xx += px * qx;
    xy += px * qy;
    yx += py * qx;
    yy += py * qy;
    size += px * px + py * py;
  }
  const turn = Math.hypot(xx + yy, xy - yx);
  const mirror = Math.hypot(xx - yy, xy + yx);
  const scale = free && size > 0 ? Math.max(turn, mirror) / size : 1;
  if (Math.max(turn, mirror) === 0) return { matrix: [1, 0, 0, 1], scale: 1, from, to };
  if (turn >= mirror) {
    const [c, s] = [(xx + yy) / turn, (xy - yx) / turn];
    return { matrix: [c, -s, s, c], scale, from, to };
  }
  const [c, s] = [(xx - yy) / mirror, (xy + yx) / mirror];
  return { matrix: [c, s, s, -c], scale, from, to };
}

/** [n, 2] the points as an alignment lays them. */
export function laid(points: Float64Array, { matrix, scale, from, to }: Alignment): Float64Array {
  const out = new Float64Array(points.length);
  const [a, b, c, d] = matrix;
  for (let i = 0; i < points.length; i += 2) {
    const [x, y] = [(points[i] as number) - from[0], (points[i + 1] as number) - from[1]];
    out[i] = scale * (a * x + b * y) + to[0];
    out[i + 1] = scale * (c * x + d * y) + to[1];
  }
  return out;
}

function centroid(points: Float64Array): [number, number] {
  let [x, y] = [0, 0];
  for (let i = 0; i < points.length; i += 2) {
    x += points[i] as number;
    y += points[i + 1] as number;
  }
  const n = Math.max(1, points.length / 2);
  return [x / n, y / n];
}
