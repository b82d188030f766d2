import { describe, expect, it } from 'vitest';
import { fan } from './fan';
import { pca, project } from './pca';
import { stream } from './rng';

const [K, D] = [10, 32];

/** Rows about orthogonal, as the compactness term makes them, three of them longer. */
function orthogonal(seed = 1): Float32Array {
  const rng = stream(seed, 'layout', 0);
  return Float32Array.from(
    { length: K * D },
    (_, i) => (i % D === Math.floor(i / D) ? (i < 3 * D ? 6 : 3) : 0) + 0.1 * rng.normal(),
  );
}

function least(plane: Float64Array): number {
  let nearest = Infinity;
  for (let a = 0; a < K; a++) {
    for (let b = 0; b < a; b++) {
      nearest = Math.min(
        nearest,
        Math.hypot(
          (plane[2 * a] ?? 0) - (plane[2 * b] ?? 0),
          (plane[2 * a + 1] ?? 0) - (plane[2 * b + 1] ?? 0),
        ),
      );
    }
  }
  return nearest;
}

const shown = (rows: Float32Array, axes: Float64Array, mean: Float64Array): Float64Array =>
  project({ mean, axes, shares: new Float64Array(2) }, rows, rows.length / D);

describe('fan', () => {
  it('shows apart what the widest directions lay upon each other', () => {
    const rows = orthogonal();
    const { mean, axes } = fan(rows, K, D);
    const spread = least(shown(rows, axes, mean));
    expect(spread).toBeGreaterThan(0.5);
    expect(spread).toBeGreaterThan(3 * least(project(pca(rows, K, D), rows, K)));
  });

  it('is an orthonormal view: no distance grows', () => {
    const { axes } = fan(orthogonal(2), K, D);
    const dot = (a: number, b: number): number =>
      Array.from({ length: D }, (_, j) => (axes[a * D + j] ?? 0) * (axes[b * D + j] ?? 0)).reduce(
        (sum, value) => sum + value,
        0,
      );
    expect(dot(0, 0)).toBeCloseTo(1, 9);
    expect(dot(1, 1)).toBeCloseTo(1, 9);
    expect(dot(0, 1)).toBeCloseTo(0, 9);
  });

  it('leaves twins together', () => {
    const rows = orthogonal(3);
    rows.copyWithin(4 * D, 7 * D, 8 * D);
    rows[4 * D] = (rows[4 * D] ?? 0) + 0.01;
    const { mean, axes } = fan(rows, K, D);
    const plane = shown(rows, axes, mean);
    const apart = Math.hypot(
      (plane[8] ?? 0) - (plane[14] ?? 0),
      (plane[9] ?? 0) - (plane[15] ?? 0),
    );
    expect(apart).toBeLessThan(0.02);
  });

  it('keeps an order that is still good, and gives up one that is not', () => {
    const rows = orthogonal(4);
    const kept = [3, 1, 4, 0, 5, 9, 2, 6, 8, 7];
    expect(fan(rows, K, D, kept).order).toEqual(kept);
    const line = Float32Array.from({ length: K * D }, (_, i) => (i % D === 0 ? i / D : 0));
    expect(fan(line, K, D, kept).order).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it('has finite axes for one, two and alike rows', () => {
    for (const rows of [
      new Float32Array(D),
      new Float32Array(2 * D).fill(1),
      new Float32Array(5 * D),
    ]) {
      const { axes } = fan(rows, rows.length / D, D);
      expect([...axes].every(Number.isFinite)).toBe(true);
    }
  });
});
