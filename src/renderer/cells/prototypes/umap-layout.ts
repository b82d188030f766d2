import { stream } from '@shared/maths/rng';
import { UMAP } from 'umap-js';
import type { UmapRequest } from './umap-messages';

const NEIGHBOURS = 15;
/** Rows below which there are no neighbours to speak of. */
const LEAST = 4;

/**
 * Lays rows out in the plane so that near ones stay near. Every draw comes from the seed.
 *
 * @param told  called after each pass with the passes done and all
 * @returns     [n, 2]; turn, mirror and size mean nothing
 * @throws RangeError with fewer than LEAST rows
 * @source McInnes, Healy & Melville 2018, arXiv:1802.03426
 */
export function umapLayout(
  { rows, n, d, seed }: UmapRequest,
  told: (done: number, total: number) => void,
): Float64Array {
  if (n < LEAST) throw new RangeError(`${n} rows have no layout by neighbours`);
  const rng = stream(seed, 'layout', 1);
  const umap = new UMAP({
    nComponents: 2,
    nNeighbors: Math.min(NEIGHBOURS, n - 1),
    minDist: 0.1,
    random: () => rng.uniform(),
  });
  const vectors = Array.from({ length: n }, (_, i) =>
    Array.from(rows.subarray(i * d, (i + 1) * d)),
  );
  const total = umap.initializeFit(vectors);
  for (let pass = 1; pass <= total; pass++) {
    umap.step();
    told(pass, total);
  }
  return Float64Array.from(umap.getEmbedding().flat());
}
