import { pca } from './pca';

/** A plane in which the rows of a bank lie about a circle. */
export interface Fan {
  /** [D] */
  mean: Float64Array;
  /** [2, D] orthonormal rows */
  axes: Float64Array;
  /** [K] the rows in their order about the circle */
  order: number[];
}

/** Of the mean square of the rows: keeps near twins near, instead of pulling them apart. */
const RIDGE = 0.03;
/** A kept order gives way when it is this much longer than a new one. */
const LONGER = 1.2;

/**
 * The plane that shows K separate things apart. Rows that are about orthogonal spread alike in
 * K - 1 directions, of which the two widest show two or three of them and lay the others upon each
 * other. Here the rows are given places about a circle, near ones beside each other, and the plane
 * is the one whose projection comes nearest to those places (ridge regression, then made
 * orthonormal), so it is an ordinary linear view of the space.
 *
 * @param rows   [K, D]
 * @param kept   the order of an earlier fan, kept while it is about as good as a new one
 * @throws RangeError when `rows` is not K × D numbers
 */
export function fan(rows: Float32Array, k: number, d: number, kept?: readonly number[]): Fan {
  const { mean, axes: widest } = pca(rows, k, d);
  const centred = Float64Array.from(rows, (value, i) => value - (mean[i % d] as number));
  const gram = products(centred, k, d);
  const order = orderOf(gram, k, kept);
  if (k < 3) return { mean, axes: widest, order };

  const places = new Float64Array(2 * k);
  order.forEach((row, i) => {
    const angle = (2 * Math.PI * i) / k;
    places[row] = Math.cos(angle);
    places[k + row] = Math.sin(angle);
  });
  let trace = 0;
  for (let i = 0; i < k; i++) trace += gram[i * k + i] as number;
  if (!(trace > 0)) return { mean, axes: widest, order };
  const weights = solved(gram, k, (RIDGE * trace) / k, places);
  const axes = new Float64Array(2 * d);
  for (let axis = 0; axis < 2; axis++) {
    for (let row = 0; row < k; row++) {
      const weight = weights[axis * k + row] as number;
      for (let j = 0; j < d; j++) {
        axes[axis * d + j] =
          (axes[axis * d + j] as number) + weight * (centred[row * d + j] as number);
      }
    }
  }
  return { mean, axes: orthonormal(axes, d) ? axes : widest, order };
}

/** X Xᵀ, [K, K] */
function products(x: Float64Array, k: number, d: number): Float64Array {
  const out = new Float64Array(k * k);
  for (let a = 0; a < k; a++) {
    for (let b = a; b < k; b++) {
      let sum = 0;
      for (let j = 0; j < d; j++) sum += (x[a * d + j] as number) * (x[b * d + j] as number);
      out[a * k + b] = out[b * k + a] = sum;
    }
  }
  return out;
}

/** A short round trip: from each row to the nearest that is left. */
function orderOf(gram: Float64Array, k: number, kept?: readonly number[]): number[] {
  const apart = (a: number, b: number): number =>
    Math.sqrt(
      Math.max(
        0,
        (gram[a * k + a] as number) + (gram[b * k + b] as number) - 2 * (gram[a * k + b] as number),
      ),
    );
  const length = (trip: readonly number[]): number =>
    trip.reduce((sum, row, i) => sum + apart(row, trip[(i + 1) % k] as number), 0);
  const left = new Set(Array.from({ length: k - 1 }, (_, i) => i + 1));
  const trip = [0];
  while (left.size > 0) {
    const here = trip[trip.length - 1] as number;
    let next = -1;
    for (const row of left) if (next < 0 || apart(here, row) < apart(here, next)) next = row;
    left.delete(next);
    trip.push(next);
  }
  return kept?.length === k && length(kept) <= LONGER * length(trip) ? [...kept] : trip;
}

/** Solves (A + ridge I) X = B for the two columns of B, A symmetric, by Cholesky's factors. */
function solved(a: Float64Array, k: number, ridge: number, b: Float64Array): Float64Array {
  const l = new Float64Array(k * k);
  for (let i = 0; i < k; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = (a[i * k + j] as number) + (i === j ? ridge : 0);
      for (let m = 0; m < j; m++) sum -= (l[i * k + m] as number) * (l[j * k + m] as number);
      l[i * k + j] = i === j ? Math.sqrt(sum) : sum / (l[j * k + j] as number);
    }
  }
  const x = b.slice();
  for (let from = 0; from < b.length; from += k) {
    for (let i = 0; i < k; i++) {
      let sum = x[from + i] as number;
      for (let m = 0; m < i; m++) sum -= (l[i * k + m] as number) * (x[from + m] as number);
      x[from + i] = sum / (l[i * k + i] as number);
    }
    for (let i = k - 1; i >= 0; i--) {
      let sum = x[from + i] as number;
      for (let m = i + 1; m < k; m++) sum -= (l[m * k + i] as number) * (x[from + m] as number);
      x[from + i] = sum / (l[i * k + i] as number);
    }
  }
  return x;
}

/** Gram–Schmidt on two rows, in place; false where they do not span a plane. */
function orthonormal(axes: Float64Array, d: number): boolean {
  const [a, b] = [axes.subarray(0, d), axes.subarray(d)];
  const dot = (u: Float64Array, v: Float64Array): number =>
    u.reduce((sum, value, i) => sum + value * (v[i] as number), 0);
  const first = Math.sqrt(dot(a, a));
  a.forEach((value, i) => (a[i] = value / first));
  const along = dot(a, b);
  const before = Math.sqrt(dot(b, b));
  b.forEach((value, i) => (b[i] = value - along * (a[i] as number)));
  const second = Math.sqrt(dot(b, b));
  b.forEach((value, i) => (b[i] = value / second));
  return first > 0 && second > 1e-9 * before;
}
