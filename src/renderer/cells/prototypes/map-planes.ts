import type { PROJECTIONS } from '@shared/config/notebook';
import { fan } from '@shared/maths/fan';
import type { Fan } from '@shared/maths/fan';
import { project } from '@shared/maths/pca';
import { extentOf, joined, stacked } from '../../session/prototype-history';
import type { Extent, PrototypeHistory, Snapshot } from '../../session/prototype-history';

/** Where the map shows every snapshot's features and prototypes, from one pair of axes. */
export interface Planes {
  /** [N + K, 2] of each snapshot of the history */
  all: readonly Float64Array[];
  extent: Extent;
  /** Share of the variance of a snapshot's features and prototypes that the plane shows. */
  shown: (snapshot: Snapshot) => number;
}

export const PROJECTION_WORDS: Record<
  (typeof PROJECTIONS)[number],
  { title: string; help: string }
> = {
  spread: {
    title: 'Spread',
    help: 'The plane that shows the prototypes apart, about a circle; the same for all steps',
  },
  pca: { title: 'PCA', help: 'The plane of the widest spread, aligned from step to step' },
  umap: { title: 'UMAP', help: 'Near ones stay near; distances mean little; laid out on request' },
};

/** Each snapshot in the plane of its own widest spread, as the history has laid it. */
export function pcaPlanes({ all, extent }: PrototypeHistory): Planes | undefined {
  return extent && { all: all.map(({ plane }) => plane), extent, shown: ({ shown }) => shown };
}

/**
 * All snapshots in the one plane that shows the newest bank's prototypes apart, so that a trail is
 * what the prototype did and nothing of how the plane turned.
 *
 * @param before  of the same run: its order is kept while it is good
 */
export function spreadPlanes(
  { all, last }: PrototypeHistory,
  before?: Fan,
): (Planes & { fan: Fan }) | undefined {
  if (!last) return undefined;
  const [k = 0, d = 0] = last.bank.shape;
  const fanned = fan(last.bank.data, k, d, before?.order);
  const view = { ...fanned, shares: new Float64Array(2) };
  const planes = all.map((snapshot) => {
    const rows = stacked(snapshot);
    return snapshot.bank.shape[1] === d ? project(view, rows, rows.length / d) : snapshot.plane;
  });
  const extent = all.reduce<Extent | undefined>(
    (sum, { bank }, i) => joined(sum, extentOf({ plane: planes[i] as Float64Array, bank })),
    undefined,
  );
  // Asked for at each frame of a scrub, by the map and by what stands above it.
  const known = new WeakMap<Snapshot, number>();
  const shareOf = (snapshot: Snapshot): number => {
    const plane = planes[all.indexOf(snapshot)];
    const whole = variance(stacked(snapshot), d);
    return plane && whole > 0 ? variance(plane, 2) / whole : 0;
  };
  const shown = (snapshot: Snapshot): number => {
    const share = known.get(snapshot) ?? shareOf(snapshot);
    known.set(snapshot, share);
    return share;
  };
  return extent && { all: planes, extent, shown, fan: fanned };
}

/** Of rows of `d` numbers, summed over the columns. */
function variance(rows: Float32Array | Float64Array, d: number): number {
  const n = rows.length / d;
  let sum = 0;
  for (let j = 0; j < d; j++) {
    let [mean, squares] = [0, 0];
    for (let i = j; i < rows.length; i += d) mean += (rows[i] as number) / n;
    for (let i = j; i < rows.length; i += d) squares += ((rows[i] as number) - mean) ** 2;
    sum += squares / n;
  }
  return sum;
}
