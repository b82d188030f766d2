import { configFor } from '@shared/config/presets';
import { ndarray } from '@shared/maths/ndarray';
import { stream } from '@shared/maths/rng';
import { METRICS } from '@shared/protocol/contract-metrics';
import { openStore } from '../../src/store';
import type { RunWriter } from '../../src/store/port';

/** Those that every step has, and one more. */
export const SERIES = METRICS.slice(0, 10);
/** Rows of a transaction. */
const ROWS_AT_ONCE = 20_000;
/** As many snapshots as a run keeps, of a bank and a probe set as the quick preset has. */
export const SNAPSHOTS = { count: 190, k: 10, dim: 64, images: 384 };

/**
 * A finished run of so many steps in a workspace: falling, noisy series with a spike of one step in
 * each, and prototypes that move apart. Returns its name.
 */
export function storeHistory(workspace: string, steps: number): string {
  const store = openStore(workspace);
  const rng = stream(1, 'noise', 0);
  const config = configFor('quick', { kind: 'digits' });
  const writer = store.create({
    config: { ...config, training: { ...config.training, steps } },
    data: { name: 'Digits', fingerprint: 'synthetic', images: 10_000 },
    versions: {},
  });
  for (let from = 0; from < steps; from += ROWS_AT_ONCE) {
    const rows = Array.from({ length: Math.min(ROWS_AT_ONCE, steps - from) }, (_, i) => {
      const step = from + i + 1;
      const fall = 0.02 + Math.exp(-step / (0.1 * steps));
      const values = SERIES.map((key, k): [string, number] => {
        const spike = step === Math.floor(((k + 1) / (SERIES.length + 2)) * steps) ? 50 : 1;
        return [key, fall * (1 + k) * (0.7 + 0.6 * rng.uniform()) * spike];
      });
      return {
        ...{ step, wall: 1.7e12 + step * 200, active: step * 0.2 },
        values: Object.fromEntries(values),
      };
    });
    writer.appendMetrics(rows);
  }
  storeSnapshots(writer, steps);
  writer.end('finished');
  store.close();
  return writer.run.split('-').slice(2).join('-');
}

/** The prototypes from one point to places of their own, each with its images about it. */
function storeSnapshots(writer: RunWriter, steps: number): void {
  const { count, k, dim, images } = SNAPSHOTS;
  const rng = stream(1, 'noise', 1);
  const draw = (n: number): Float64Array => Float64Array.from({ length: n }, () => rng.normal());
  const [ends, about] = [draw(k * dim), draw(images * dim)];
  const assignment = Int32Array.from({ length: images }, (_, i) => i % k);
  writer.writeProbe({ index: assignment.map((_, i) => i), labels: null, classes: [] });
  const every = Math.max(1, Math.floor(steps / count));
  for (let step = 0; step < count * every; step += every) {
    const far = 1 - Math.exp((-4 * step) / steps);
    const bank = Float32Array.from(ends, (end) => far * end);
    const features = Float32Array.from(
      about,
      (value, i) => (bank[(Math.floor(i / dim) % k) * dim + (i % dim)] ?? 0) + 0.4 * value,
    );
    writer.writePrototypes(
      {
        ...{ step, wall: 1.7e12 + step * 200 },
        ids: ndarray(assignment.slice(0, k), [k]),
        bank: ndarray(bank, [k, dim]),
        features: ndarray(features, [images, dim]),
        assignment: ndarray(assignment, [images]),
        usage: ndarray(new Float32Array(k).fill(1 / k), [k]),
        ...{ assignments: 1000, perplexity: k, churn: 0, purity: null, nmi: null, swaps: [] },
      },
      every,
    );
  }
}
