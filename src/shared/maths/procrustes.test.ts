import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { laid, procrustes } from './procrustes';

const coordinate = fc.double({ min: -50, max: 50, noNaN: true });
const clouds = fc
  .array(fc.tuple(coordinate, coordinate), { minLength: 3, maxLength: 20 })
  .map((points) => Float64Array.from(points.flat()));

function distance(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, value, i) => sum + (value - (b[i] ?? 0)) ** 2, 0);
}

/** A cloud turned, mirrored where asked, scaled and shifted. */
function moved(points: Float64Array, angle: number, mirror: boolean, scale = 1): Float64Array {
  const out = new Float64Array(points.length);
  const [c, s] = [Math.cos(angle) * scale, Math.sin(angle) * scale];
  for (let i = 0; i < points.length; i += 2) {
    const [x, y] = [points[i] ?? 0, (points[i + 1] ?? 0) * (mirror ? -1 : 1)];
    out[i] = c * x - s * y + 7;
    out[i + 1] = s * x + c * y - 3;
  }
  return out;
}

describe('procrustes', () => {
  it('takes back any turn, mirror turn and shift', () => {
    fc.assert(
      fc.property(
        clouds,
        fc.double({ min: 0, max: 6.28, noNaN: true }),
        fc.boolean(),
        (points, angle, mirror) => {
          const away = moved(points, angle, mirror);
          expect(distance(laid(away, procrustes(away, points)), points)).toBeLessThan(1e-12 + 1e-9);
        },
      ),
    );
  });

  it('takes back a change of size only where that is free', () => {
    const points = Float64Array.of(0, 0, 4, 0, 0, 2, -1, -1);
    const away = moved(points, 1.1, true, 2.5);
    expect(distance(laid(away, procrustes(away, points, true)), points)).toBeCloseTo(0, 12);
    const rigid = laid(away, procrustes(away, points));
    expect(
      Math.hypot((rigid[2] ?? 0) - (rigid[0] ?? 0), (rigid[3] ?? 0) - (rigid[1] ?? 0)),
    ).toBeCloseTo(10, 12);
    expect(distance(rigid, points)).toBeGreaterThan(1);
  });

  it('lies no farther than any other turn of the same points', () => {
    fc.assert(
      fc.property(
        clouds,
        clouds,
        fc.double({ min: 0, max: 6.28, noNaN: true }),
        fc.boolean(),
        (a, b, angle, mirror) => {
          const n = Math.min(a.length, b.length);
          const [points, target] = [a.slice(0, n), b.slice(0, n)];
          const best = distance(laid(points, procrustes(points, target)), target);
          const other = moved(points, angle, mirror);
          const centred = laid(other, { ...procrustes(other, target), matrix: [1, 0, 0, 1] });
          expect(best).toBeLessThanOrEqual(distance(centred, target) * (1 + 1e-9) + 1e-6);
        },
      ),
    );
  });

  it('only shifts points that are all one, and refuses unequal counts', () => {
    const one = Float64Array.of(1, 1, 1, 1);
    expect([...laid(one, procrustes(one, Float64Array.of(2, 3, 4, 5), true))]).toEqual([
      3, 4, 3, 4,
    ]);
    expect(() => procrustes(one, Float64Array.of(1, 2))).toThrow(RangeError);
  });
});
