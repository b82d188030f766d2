import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pca, project } from './pca';
import { stream } from './rng';

/** Normal rows, the standard deviation of each column given. */
function cloud(n: number, deviations: readonly number[], seed = 1): Float32Array {
  const rng = stream(seed, 'layout', 1);
  const d = deviations.length;
  return Float32Array.from(
    { length: n * d },
    (_, i) => 3 + (deviations[i % d] ?? 0) * rng.normal(),
  );
}

const shapes = fc.record({
  n: fc.integer({ min: 1, max: 24 }),
  d: fc.integer({ min: 1, max: 24 }),
  seed: fc.integer({ min: 0, max: 1000 }),
});

describe('pca', () => {
  it('finds the widest columns, and says what share of the variance they hold', () => {
    const rows = cloud(4000, [0.5, 4, 1, 0, 2]);
    const { axes, shares, mean } = pca(rows, 4000, 5);
    expect(axes[1]).toBeGreaterThan(0.999);
    expect(axes[5 + 4]).toBeGreaterThan(0.999);
    expect(mean[0]).toBeCloseTo(3, 1);
    const whole = 0.25 + 16 + 1 + 4;
    expect(shares[0]).toBeCloseTo(16 / whole, 1);
    expect(shares[1]).toBeCloseTo(4 / whole, 1);
  });

  it('keeps exact distances in a plane, from few rows as from many', () => {
    // Six points of a plane in 40 dimensions: the Gram matrix is the smaller one.
    const corner = [1, 0, 0, 2, -1, 0, 0, -2, 3, 1, -2, 2];
    const rows = new Float32Array(6 * 40);
    for (let i = 0; i < 6; i++) {
      for (let j = 0; j < 40; j++) {
        rows[i * 40 + j] =
          (corner[2 * i] ?? 0) * Math.sin(j) + (corner[2 * i + 1] ?? 0) * Math.cos(2 * j);
      }
    }
    const fitted = pca(rows, 6, 40);
    expect((fitted.shares[0] ?? 0) + (fitted.shares[1] ?? 0)).toBeCloseTo(1, 9);
    const flat = project(fitted, rows, 6);
    const apart = (at: (i: number, j: number) => number, width: number, a: number, b: number) =>
      Math.hypot(...Array.from({ length: width }, (_, j) => at(a, j) - at(b, j)));
    for (let a = 0; a < 6; a++) {
      for (let b = 0; b < a; b++) {
        const true_distance = apart((i, j) => rows[i * 40 + j] ?? 0, 40, a, b);
        expect(apart((i, j) => flat[i * 2 + j] ?? 0, 2, a, b)).toBeCloseTo(true_distance, 4);
      }
    }
  });

  it('gives orthonormal axes of a fixed sign, falling shares, and the same twice', () => {
    fc.assert(
      fc.property(shapes, ({ n, d, seed }) => {
        const rows = cloud(
          n,
          Array.from({ length: d }, (_, j) => 1 + (j % 3)),
          seed,
        );
        const fitted = pca(rows, n, d);
        expect(pca(rows, n, d)).toEqual(fitted);
        const [first, second] = [fitted.axes.subarray(0, d), fitted.axes.subarray(d)];
        const dot = (a: Float64Array, b: Float64Array) =>
          a.reduce((sum, value, j) => sum + value * (b[j] ?? 0), 0);
        const there = [first, second].filter((axis) => dot(axis, axis) > 0);
        expect(there.length).toBe(Math.min(2, d, n - 1));
        for (const axis of there) {
          expect(dot(axis, axis)).toBeCloseTo(1, 9);
          const largest = axis.reduce((most, v) => (Math.abs(v) > Math.abs(most) ? v : most), 0);
          expect(largest).toBeGreaterThan(0);
        }
        expect(dot(first, second)).toBeCloseTo(0, 6);
        const [a = 0, b = 0] = fitted.shares;
        expect(a).toBeGreaterThanOrEqual(b - 1e-12);
        expect(a + b).toBeLessThanOrEqual(1 + 1e-9);
      }),
    );
  });

  it('has the variance along its axes that it says, and none is wider', () => {
    fc.assert(
      fc.property(shapes, fc.integer({ min: 0, max: 99 }), ({ n, d, seed }, turn) => {
        fc.pre(n > 2 && d > 1);
        const rows = cloud(
          n,
          Array.from({ length: d }, (_, j) => 1 + j),
          seed,
        );
        const fitted = pca(rows, n, d);
        const spread = (axis: (j: number) => number) => {
          let sum = 0;
          for (let i = 0; i < n; i++) {
            let at = 0;
            for (let j = 0; j < d; j++)
              at += ((rows[i * d + j] ?? 0) - (fitted.mean[j] ?? 0)) * axis(j);
            sum += at * at;
          }
          return sum;
        };
        let whole = 0;
        for (let j = 0; j < d; j++) whole += spread((other) => (other === j ? 1 : 0));
        const first = spread((j) => fitted.axes[j] ?? 0);
        expect(first / whole).toBeCloseTo(fitted.shares[0] ?? 0, 6);
        const rng = stream(turn, 'layout', 2);
        const other = Float64Array.from({ length: d }, () => rng.normal());
        const length = Math.hypot(...other);
        expect(spread((j) => (other[j] ?? 0) / length)).toBeLessThanOrEqual(first * (1 + 1e-6));
      }),
    );
  });

  it('has no axis where nothing spreads, and refuses what is no matrix', () => {
    const { axes, shares } = pca(new Float32Array(12).fill(2), 4, 3);
    expect([...axes, ...shares].every((value) => value === 0)).toBe(true);
    expect([...pca(Float32Array.of(1, 2, 3), 1, 3).shares]).toEqual([0, 0]);
    expect(() => pca(new Float32Array(5), 2, 3)).toThrow(RangeError);
    expect(() => pca(new Float32Array(0), 0, 3)).toThrow(RangeError);
  });
});
