import type { Snapshot } from '../../session/prototype-history';

/** What a card says of one prototype, beside its share. */
export interface PrototypeFigures {
  /** Probe images that are conditioned on it. */
  images: number;
  /**
   * Mean over those of the distance to the nearest other prototype less that to this one; null
   * where it has none, or is alone. Below 0: they would be nearer to another.
   */
  margin: number | null;
  /** Probe images by distance, the nearest first. */
  nearest: number[];
  /** Labels of its probe images, the most frequent first; empty without labels. */
  classes: { label: number; share: number }[];
}

const NEAREST = 4;

/** Distances are Euclidean in the space of f_phi, as in training. */
export function figuresOf(snapshot: Snapshot, labels?: Int32Array): PrototypeFigures[] {
  const { bank, features, assignment } = snapshot;
  const [n = 0, d = 0] = features.shape;
  const [k = 0] = bank.shape;
  const distances = distancesOf(features.data, bank.data, n, k, d);
  return Array.from({ length: k }, (_, prototype) => {
    let margins = 0;
    let images = 0;
    const counts = new Map<number, number>();
    for (let i = 0; i < n; i++) {
      if (assignment.data[i] !== prototype) continue;
      images += 1;
      let other = Infinity;
      for (let p = 0; p < k; p++) {
        if (p !== prototype) other = Math.min(other, distances[i * k + p] as number);
      }
      margins += other - (distances[i * k + prototype] as number);
      const label = labels?.[i];
      if (label !== undefined) counts.set(label, (counts.get(label) ?? 0) + 1);
    }
    const order = Array.from({ length: n }, (_unused, i) => i).sort(
      (a, b) => (distances[a * k + prototype] ?? 0) - (distances[b * k + prototype] ?? 0),
    );
    return {
      images,
      margin: images > 0 && k > 1 ? margins / images : null,
      nearest: order.slice(0, NEAREST),
      classes: [...counts]
        .sort(([a, m], [b, l]) => l - m || a - b)
        .map(([label, count]) => ({ label, share: count / images })),
    };
  });
}

/** The numbers of the prototypes nearest to the one in a row of the bank, the nearest first. */
export function nearestPrototypes(
  { bank, ids }: Pick<Snapshot, 'bank' | 'ids'>,
  row: number,
  most = 8,
): number[] {
  const [k = 0, d = 0] = bank.shape;
  const distances = distancesOf(bank.data.subarray(row * d, (row + 1) * d), bank.data, 1, k, d);
  return [...distances.keys()]
    .filter((other) => other !== row)
    .sort((a, b) => (distances[a] ?? 0) - (distances[b] ?? 0))
    .slice(0, most)
    .map((other) => ids.data[other] ?? other);
}

/** [N, K] */
function distancesOf(
  features: Float32Array,
  bank: Float32Array,
  n: number,
  k: number,
  d: number,
): Float64Array {
  const out = new Float64Array(n * k);
  for (let i = 0; i < n; i++) {
    for (let p = 0; p < k; p++) {
      let sum = 0;
      for (let j = 0; j < d; j++) {
        const apart = (features[i * d + j] as number) - (bank[p * d + j] as number);
        sum += apart * apart;
      }
      out[i * k + p] = Math.sqrt(sum);
    }
  }
  return out;
}
