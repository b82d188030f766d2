import type { MetricRow } from '../../store/port';
import type { StepReport } from '../training/trainer';
import type { Gauges } from './gauges';

/** What is recorded of a step. @param wall Unix ms  @param probed measured at some steps only */
export function metricRow(
  report: StepReport,
  gauges: Gauges,
  wall: number,
  probed: Record<string, number>,
): MetricRow {
  const { metrics } = report;
  return {
    step: report.step,
    wall,
    active: gauges.active,
    values: {
      'train/loss': metrics.total,
      'train/loss_diff': metrics.diffusion,
      'train/loss_proto/contrastive': metrics.contrastive,
      'train/loss_proto/align': metrics.align,
      'train/loss_proto/compact': metrics.compact,
      'train/lr': report.lr,
      'train/grad_norm': metrics.grad_norm,
      'train/images_per_s': gauges.images_per_s ?? NaN,
      'proto/perplexity': gauges.perplexity,
      ...probed,
    },
  };
}
