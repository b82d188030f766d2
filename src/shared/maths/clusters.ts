/** Figures of how images share the prototypes, and of how that agrees with their labels. */

/** The share of each of `k` prototypes: [k], summing to 1; all zeros without assignments. */
export function sharesOf(assignment: ArrayLike<number>, k: number): Float32Array {
  const shares = new Float32Array(k);
  for (let i = 0; i < assignment.length; i++) {
    const index = assignment[i] as number;
    shares[index] = (shares[index] ?? 0) + 1;
  }
  return assignment.length === 0 ? shares : shares.map((count) => count / assignment.length);
}

/** exp of the entropy of shares that sum to 1: K when all are used alike, 1 when one is. */
export function perplexityOf(shares: ArrayLike<number>): number {
  return Math.exp(entropy(shares, 1));
}

/** Share of the images whose prototype is another one; the two are of the same images. */
export function churnOf(before: ArrayLike<number>, after: ArrayLike<number>): number {
  let changed = 0;
  for (let i = 0; i < after.length; i++) if (before[i] !== after[i]) changed += 1;
  return changed / after.length;
}

/**
 * Share of the images that carry the most frequent label of their prototype: 1 when each
 * prototype has one class, the share of the largest class when one prototype has everything.
 *
 * @source Manning, Raghavan & Schütze 2008, Introduction to Information Retrieval, 16.3
 */
export function purityOf(assignment: ArrayLike<number>, labels: ArrayLike<number>): number {
  let agreeing = 0;
  for (const row of contingency(assignment, labels).values()) {
    agreeing += Math.max(...row.values());
  }
  return agreeing / assignment.length;
}

/**
 * Normalised mutual information of prototypes and labels, 2 I / (H + H): 1 when they are the same
 * partition, 0 when independent. 1 also where both have a single part.
 *
 * @source Manning, Raghavan & Schütze 2008, Introduction to Information Retrieval, 16.3
 */
export function nmiOf(assignment: ArrayLike<number>, labels: ArrayLike<number>): number {
  const n = assignment.length;
  const joint = contingency(assignment, labels);
  const byLabel = new Map<number, number>();
  const cells: number[] = [];
  const byPrototype: number[] = [];
  for (const row of joint.values()) {
    let sum = 0;
    for (const [label, count] of row) {
      sum += count;
      cells.push(count);
      byLabel.set(label, (byLabel.get(label) ?? 0) + count);
    }
    byPrototype.push(sum);
  }
  const [a, b] = [entropy(byPrototype, n), entropy([...byLabel.values()], n)];
  if (a + b === 0) return 1;
  return Math.max(0, (2 * (a + b - entropy(cells, n))) / (a + b));
}

/** How many images of each label each prototype has. */
function contingency(
  assignment: ArrayLike<number>,
  labels: ArrayLike<number>,
): Map<number, Map<number, number>> {
  const rows = new Map<number, Map<number, number>>();
  for (let i = 0; i < assignment.length; i++) {
    const prototype = assignment[i] as number;
    const label = labels[i] as number;
    const row = rows.get(prototype) ?? new Map<number, number>();
    rows.set(prototype, row.set(label, (row.get(label) ?? 0) + 1));
  }
  return rows;
}

/** In nats, of counts that sum to `total`. */
function entropy(counts: ArrayLike<number>, total: number): number {
  let sum = 0;
  for (let i = 0; i < counts.length; i++) {
    const share = (counts[i] as number) / total;
    if (share > 0) sum -= share * Math.log(share);
  }
  return sum;
}
