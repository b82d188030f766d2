import type { MetricRow } from '../../store/port';
import type { StepReport } from '../training/trainer';
import type { Gauges } from './gauges';

/**
 * What is recorded of a step: the terms that its model and phase have.
 * @param bank    whether the model has prototypes
 * @param wall    Unix ms
 * @param beside  measured at some steps only
 */
export function metricRow(
  { step, lr, metrics }: StepReport,
  gauges: Gauges,
  bank: boolean,
  wall: number,
  beside: Record<string, number>,
): MetricRow {
  const values: Record<string, number | undefined> = {
    'train/loss': metrics.total,
    'train/loss_diff': metrics.diffusion,
    'train/loss_proto/contrastive': metrics.contrastive,
    'train/loss_proto/align': metrics.align,
    'train/loss_proto/compact': metrics.compact,
    'proto/perplexity': bank ? gauges.perplexity : undefined,
    'train/lr': lr,
    'train/grad_norm': metrics.grad_norm ?? NaN,
    'train/images_per_s': gauges.images_per_s ?? NaN,
    ...beside,
  };
  const present = Object.entries(values).filter(
    (entry): entry is [string, number] => entry[1] !== undefined,
  );
  return { step, wall, active: gauges.active, values: Object.fromEntries(present) };
}
