import type { Act, Bank, Done } from '@shared/config/surgery';
import { pca, project } from '@shared/maths/pca';
import { stream } from '@shared/maths/rng';
import type { Rng } from '@shared/maths/rng';

/** What a prototype has in each flat vector of the state. */
export const ROLES = ['params', 'm', 'v', 'ema'] as const;
/** [dim] each. */
export type Row = Record<(typeof ROLES)[number], Float32Array>;

/** The fixed images as the encoder sees them now. */
export interface Looked {
  /** [n, dim] row-major */
  features: Float32Array;
  /** [n] the prototype that each image is conditioned on */
  assignment: readonly number[];
  /** [n], where the model has a prototype a class: an image of another class is no place for it. */
  classes: ArrayLike<number> | null;
}

export interface Surroundings {
  rowOf(id: number): Row;
  /** Share of the last assignments. */
  usageOf(id: number): number;
  looked(): Looked;
  /** [K] the prototypes of the bank as it is. */
  bank: Bank;
  seed: number;
  /** Acts done before this one: what is drawn is keyed by it. */
  place: number;
}

/** How far the halves of a split lie from where they were, in standard deviations of its features. */
const APART = 0.5;
/** And where there are no features to go by, in lengths of the prototype. */
const APART_ALONE = 0.01;

/**
 * The rows that an act gives to prototypes; the others keep theirs. Those that go are not named.
 *
 * Split: both halves keep the moments. Adam's step is m / sqrt(v), so while each gets about half of
 * the gradients, v is too large at first and the halves part slowly rather than jump.
 * Merge: parameters, average and both moments are means weighted by use; alike where neither is used.
 * Revive, add: the feature of an image, drawn as k-means++ draws a next centre, with moments zero:
 * those of another place would pull it away. The average begins there too.
 *
 * @source Arthur & Vassilvitskii 2007, k-means++, for the draw
 */
export function editedRows(
  act: Exclude<Act, { kind: 'undo' | 'freeze' | 'unfreeze' }>,
  { rowOf, usageOf, looked, bank, seed, place }: Surroundings,
): Map<number, Row> {
  const rng = stream(seed, 'surgery', place);
  switch (act.kind) {
    case 'split': {
      const row = rowOf(act.prototype);
      const offset = splitOffset(row.params, act.prototype, looked(), rng);
      return new Map([
        [act.prototype, moved(row, offset, 1)],
        [bank.next, moved(row, offset, -1)],
      ]);
    }
    case 'merge': {
      const [gone, kept] = [usageOf(act.prototype), usageOf(act.into)];
      const share = gone + kept > 0 ? gone / (gone + kept) : 0.5;
      return new Map([[act.into, mean(rowOf(act.prototype), rowOf(act.into), share)]]);
    }
    case 'revive':
      return new Map([[act.prototype, reborn(act.prototype)]]);
    case 'add':
      return new Map([[bank.next, reborn(null)]]);
    case 'remove':
      return new Map();
  }
  function reborn(id: number | null): Row {
    const others = bank.ids.filter((other) => other !== id).map((other) => rowOf(other).params);
    const params = farFeature(looked(), others, id, rng);
    const zeros = (): Float32Array => new Float32Array(params.length);
    return { params, ema: params.slice(), m: zeros(), v: zeros() };
  }
}

/** [dim] along the widest spread of the features that the prototype has, or any way without them. */
function splitOffset(row: Float32Array, id: number, looked: Looked, rng: Rng): Float64Array {
  const dim = row.length;
  const mine = [...looked.assignment.keys()].filter((i) => looked.assignment[i] === id);
  const sign = rng.uniform() < 0.5 ? -1 : 1;
  if (mine.length > 1) {
    const features = new Float32Array(mine.length * dim);
    mine.forEach((i, at) => features.set(featureAt(looked, i, dim), at * dim));
    const found = pca(features, mine.length, dim, 1);
    const along = project(found, features, mine.length);
    const deviation = Math.sqrt(along.reduce((sum, x) => sum + x * x, 0) / mine.length);
    if (deviation > 0) return found.axes.map((x) => sign * APART * deviation * x);
  }
  const way = Float64Array.from(rng.fillNormal(new Float32Array(dim)));
  const length = Math.hypot(...way);
  const reach = APART_ALONE * (Math.hypot(...row) || 1);
  return way.map((x) => (sign * reach * x) / length);
}

function moved({ params, ema, m, v }: Row, offset: Float64Array, sign: 1 | -1): Row {
  const shift = (from: Float32Array): Float32Array =>
    from.map((x, i) => x + sign * (offset[i] as number));
  return { params: shift(params), ema: shift(ema), m: m.slice(), v: v.slice() };
}

function mean(gone: Row, kept: Row, share: number): Row {
  const of = (role: keyof Row): Float32Array =>
    kept[role].map((x, i) => share * (gone[role][i] as number) + (1 - share) * x);
  return { params: of('params'), ema: of('ema'), m: of('m'), v: of('v') };
}

/** Drawn among the images' features with chances as the squared distance to the nearest of `others`. */
function farFeature(
  looked: Looked,
  others: readonly Float32Array[],
  own: number | null,
  rng: Rng,
): Float32Array {
  const { features, assignment, classes } = looked;
  const dim = features.length / assignment.length;
  const allowed = (i: number): boolean => classes === null || classes[i] === own;
  const all = [...assignment.keys()];
  const places = all.some(allowed) ? all.filter(allowed) : all;
  const squares = places.map((i) => {
    const feature = featureAt(looked, i, dim);
    return others.reduce((least, other) => Math.min(least, squared(feature, other)), Infinity);
  });
  const finite = squares.map((value) => (Number.isFinite(value) ? value : 1));
  const sum = finite.reduce((a, b) => a + b, 0);
  let left = rng.uniform() * sum;
  const chosen =
    sum > 0 ? finite.findIndex((value) => (left -= value) < 0) : rng.int(places.length);
  return featureAt(looked, places[chosen < 0 ? places.length - 1 : chosen] ?? 0, dim).slice();
}

function featureAt({ features }: Looked, i: number, dim: number): Float32Array {
  return features.subarray(i * dim, (i + 1) * dim);
}

function squared(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += ((a[i] as number) - (b[i] as number)) ** 2;
  return sum;
}

/** The prototypes whose rows an act's undoing needs: those that it changed or took. */
export function savedIds({
  touched,
  before,
  edits,
}: Pick<Done, 'touched' | 'before' | 'edits'>): number[] {
  return edits ? touched.filter((id) => before.ids.includes(id)) : [];
}

/** Rows as one array [n, 4, dim], in the order of ROLES. */
export function packRows(rows: readonly Row[]): Float32Array {
  const parts = rows.flatMap((row) => ROLES.map((role) => row[role]));
  const out = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** What `packRows` made of the rows of these prototypes. */
export function unpackRows(
  saved: Float32Array,
  ids: readonly number[],
  dim: number,
): Map<number, Row> {
  if (saved.length !== ids.length * ROLES.length * dim) {
    throw new RangeError(`${saved.length} numbers are not ${ids.length} rows of ${dim}`);
  }
  return new Map(
    ids.map((id, n) => {
      const part = (role: number): Float32Array =>
        saved.slice((n * ROLES.length + role) * dim, (n * ROLES.length + role + 1) * dim);
      return [id, { params: part(0), m: part(1), v: part(2), ema: part(3) }];
    }),
  );
}

/**
 * A flat vector whose bank, its first rows, is another one: the rows of `after` as `rows` has them,
 * or else as they were.
 */
export function withBank(
  flat: Float32Array,
  before: readonly number[],
  after: readonly number[],
  rows: ReadonlyMap<number, Float32Array>,
  dim: number,
): Float32Array {
  const rest = flat.subarray(before.length * dim);
  const out = new Float32Array(after.length * dim + rest.length);
  after.forEach((id, row) => {
    const at = before.indexOf(id);
    const values = rows.get(id) ?? flat.subarray(at * dim, (at + 1) * dim);
    if (values.length !== dim) throw new RangeError(`prototype ${id} has no row`);
    out.set(values, row * dim);
  });
  out.set(rest, after.length * dim);
  return out;
}
