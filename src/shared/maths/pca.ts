import { stream } from './rng';

/** The directions in which rows spread most. */
export interface Pca {
  /** [D] */
  mean: Float64Array;
  /** [components, D] orthonormal rows, the widest spread first */
  axes: Float64Array;
  /** [components] share of the whole variance that lies along each axis; zeros when there is none */
  shares: Float64Array;
}

/** Directions followed beside the wanted ones: near ties then cost few rounds. */
const SPARE = 4;
const MOST_ROUNDS = 300;
/** Residual at which an axis counts as found, relative to the whole variance. */
const TOLERANCE = 1e-9;

/**
 * Principal components by subspace iteration on the smaller of the covariance and Gram matrices.
 * Deterministic; the largest coefficient of an axis is positive, so that no axis flips by chance.
 *
 * @param rows        [N, D], N >= 1; not changed
 * @param components  at most; fewer axes than min(N, D) leave the rest zero
 * @throws RangeError when `rows` is not N × D numbers, or there are none
 * @source Golub & Van Loan 2013, Matrix Computations, 8.2 (orthogonal iteration)
 */
export function pca(rows: Float32Array, n: number, d: number, components = 2): Pca {
  if (n < 1 || d < 1 || rows.length !== n * d) {
    throw new RangeError(`${rows.length} numbers are not ${n} rows of ${d}`);
  }
  const { mean, centred } = centre(rows, n, d);
  const byGram = n < d;
  const size = byGram ? n : d;
  const matrix = byGram ? gram(centred, n, d) : covariance(centred, n, d);
  let trace = 0;
  for (let i = 0; i < size; i++) trace += matrix[i * size + i] as number;
  const axes = new Float64Array(components * d);
  const shares = new Float64Array(components);
  if (!(trace > 0)) return { mean, axes, shares };
  const { vectors, values } = leading(matrix, size, Math.min(components, size), trace);
  values.forEach((value, c) => {
    const axis = axes.subarray(c * d, (c + 1) * d);
    const vector = vectors[c] as Float64Array;
    if (byGram) for (let i = 0; i < n; i++) add(axis, centred, i * d, vector[i] as number);
    else axis.set(vector);
    // What is no more than rounding has no direction.
    if (value <= TOLERANCE * trace) axis.fill(0);
    else orient(axis);
    shares[c] = Math.max(0, value) / trace;
  });
  return { mean, axes, shares };
}

/** Coordinates of rows on the axes: [N, components]. */
export function project({ mean, axes, shares }: Pca, rows: Float32Array, n: number): Float64Array {
  const d = mean.length;
  const components = shares.length;
  const out = new Float64Array(n * components);
  for (let i = 0; i < n; i++) {
    for (let c = 0; c < components; c++) {
      let sum = 0;
      for (let j = 0; j < d; j++) {
        sum += ((rows[i * d + j] as number) - (mean[j] as number)) * (axes[c * d + j] as number);
      }
      out[i * components + c] = sum;
    }
  }
  return out;
}

function centre(
  rows: Float32Array,
  n: number,
  d: number,
): { mean: Float64Array; centred: Float64Array } {
  const mean = new Float64Array(d);
  for (let i = 0; i < n * d; i++) mean[i % d] = (mean[i % d] as number) + (rows[i] as number) / n;
  const centred = Float64Array.from(rows, (value, i) => value - (mean[i % d] as number));
  return { mean, centred };
}

/** Xᵀ X, [D, D] */
function covariance(x: Float64Array, n: number, d: number): Float64Array {
  const out = new Float64Array(d * d);
  for (let i = 0; i < n; i++) {
    for (let a = 0; a < d; a++) {
      const scale = x[i * d + a] as number;
      for (let b = a; b < d; b++) {
        out[a * d + b] = (out[a * d + b] as number) + scale * (x[i * d + b] as number);
      }
    }
  }
  return mirrored(out, d);
}

/** X Xᵀ, [N, N] */
function gram(x: Float64Array, n: number, d: number): Float64Array {
  const out = new Float64Array(n * n);
  for (let a = 0; a < n; a++) {
    for (let b = a; b < n; b++) {
      let sum = 0;
      for (let j = 0; j < d; j++) sum += (x[a * d + j] as number) * (x[b * d + j] as number);
      out[a * n + b] = sum;
    }
  }
  return mirrored(out, n);
}

function mirrored(matrix: Float64Array, size: number): Float64Array {
  for (let a = 0; a < size; a++) {
    for (let b = 0; b < a; b++) matrix[a * size + b] = matrix[b * size + a] as number;
  }
  return matrix;
}

/** The leading eigenpairs of a symmetric matrix without negative eigenvalues. */
function leading(
  matrix: Float64Array,
  size: number,
  wanted: number,
  trace: number,
): { vectors: Float64Array[]; values: number[] } {
  const rng = stream(0, 'layout', 0);
  const width = Math.min(size, wanted + SPARE);
  let basis: Float64Array[] = Array.from({ length: width }, () =>
    Float64Array.from({ length: size }, () => rng.normal()),
  );
  orthonormalise(basis);
  let values: number[] = [];
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const images = basis.map((vector) => times(matrix, vector));
    // Within the subspace the best directions are eigenvectors of a small matrix (Rayleigh–Ritz).
    const small = basis.map((a) => images.map((b) => dot(a, b)));
    const { order, rotation, diagonal } = jacobi(small);
    const turned = (from: Float64Array[]): Float64Array[] =>
      order.map((c) => {
        const out = new Float64Array(size);
        from.forEach((vector, i) => add(out, vector, 0, rotation[i]?.[c] as number));
        return out;
      });
    basis = turned(basis);
    const ahead = turned(images);
    values = order.map((c) => diagonal[c] as number);
    const found = basis.slice(0, wanted).every((vector, c) => {
      let residual = 0;
      for (let i = 0; i < size; i++) {
        const rest = (ahead[c]?.[i] as number) - (values[c] as number) * (vector[i] as number);
        residual += rest * rest;
      }
      return Math.sqrt(residual) <= TOLERANCE * trace;
    });
    if (found) break;
    basis = ahead;
    orthonormalise(basis);
  }
  return { vectors: basis.slice(0, wanted), values: values.slice(0, wanted) };
}

/** Eigenvectors (columns of `rotation`) of a small symmetric matrix, and their falling order. */
function jacobi(symmetric: number[][]): {
  order: number[];
  rotation: number[][];
  diagonal: number[];
} {
  const size = symmetric.length;
  const a = symmetric.map((row) => [...row]);
  const rotation = a.map((_row, i) => a.map((_other, j) => (i === j ? 1 : 0)));
  const at = (m: number[][], i: number, j: number): number => m[i]?.[j] as number;
  const turn = (m: number[][], p: number, q: number, c: number, s: number, rows: boolean): void => {
    for (let i = 0; i < size; i++) {
      const [x, y] = rows ? [at(m, p, i), at(m, q, i)] : [at(m, i, p), at(m, i, q)];
      const [first, second] = [c * x - s * y, s * x + c * y];
      (m[rows ? p : i] as number[])[rows ? i : p] = first;
      (m[rows ? q : i] as number[])[rows ? i : q] = second;
    }
  };
  for (let sweep = 0; sweep < 30; sweep++) {
    let off = 0;
    for (let p = 0; p < size; p++) {
      for (let q = p + 1; q < size; q++) {
        const value = at(a, p, q);
        const scale = Math.abs(at(a, p, p)) + Math.abs(at(a, q, q));
        if (Math.abs(value) <= 1e-15 * scale || value === 0) continue;
        off += 1;
        const theta = (at(a, q, q) - at(a, p, p)) / (2 * value);
        const t = Math.sign(theta || 1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
        const c = 1 / Math.sqrt(t * t + 1);
        turn(a, p, q, c, t * c, false);
        turn(a, p, q, c, t * c, true);
        turn(rotation, p, q, c, t * c, false);
      }
    }
    if (off === 0) break;
  }
  const diagonal = a.map((_row, i) => at(a, i, i));
  const order = [...diagonal.keys()].sort((i, j) => (diagonal[j] ?? 0) - (diagonal[i] ?? 0));
  return { order, rotation, diagonal };
}

/** Gram–Schmidt, twice over, in place; what has vanished becomes the next free unit vector. */
function orthonormalise(basis: Float64Array[]): void {
  let spare = 0;
  for (let i = 0; i < basis.length; i++) {
    const vector = basis[i] as Float64Array;
    for (;;) {
      const before = Math.sqrt(dot(vector, vector));
      for (let pass = 0; pass < 2; pass++) {
        for (const other of basis.slice(0, i)) add(vector, other, 0, -dot(vector, other));
      }
      const length = Math.sqrt(dot(vector, vector));
      if (length > 1e-10 * before && length > 0) {
        for (let j = 0; j < vector.length; j++) vector[j] = (vector[j] as number) / length;
        break;
      }
      vector.fill(0);
      vector[spare++ % vector.length] = 1;
    }
  }
}

function times(matrix: Float64Array, vector: Float64Array): Float64Array {
  const size = vector.length;
  const out = new Float64Array(size);
  for (let i = 0; i < size; i++) {
    let sum = 0;
    for (let j = 0; j < size; j++) sum += (matrix[i * size + j] as number) * (vector[j] as number);
    out[i] = sum;
  }
  return out;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}

function add(target: Float64Array, from: Float64Array, offset: number, scale: number): void {
  for (let i = 0; i < target.length; i++) {
    target[i] = (target[i] as number) + scale * (from[offset + i] as number);
  }
}

/** To unit length, the coefficient of the largest magnitude above 0. */
function orient(axis: Float64Array): void {
  let largest = 0;
  for (const value of axis) if (Math.abs(value) > Math.abs(largest)) largest = value;
  const length = Math.sign(largest) * Math.sqrt(dot(axis, axis));
  for (let i = 0; i < axis.length; i++) axis[i] = (axis[i] as number) / length;
}
