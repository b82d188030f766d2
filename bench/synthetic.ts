import { configFor } from '@shared/config/presets';
import { stream } from '@shared/maths/rng';
import { openStore } from '../src/store';

export const SERIES = [
  'train/loss',
  'train/loss_diff',
  'train/loss_proto/contrastive',
  'train/loss_proto/align',
  'train/loss_proto/compact',
  'train/lr',
  'train/grad_norm',
  'train/images_per_s',
  'proto/perplexity',
  'proto/churn',
];
/** Rows of a transaction. */
const ROWS_AT_ONCE = 20_000;

/**
 * A finished run of so many steps in a workspace: falling, noisy series with a spike of one step in
 * each. Returns its name.
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
  writer.end('finished');
  store.close();
  return writer.run.split('-').slice(2).join('-');
}
