/**
 * Metric keys, in the order they are stored and drawn. Those after `proto/perplexity` stand only in
 * the rows of steps at which a snapshot of the prototypes was taken, NaN elsewhere; `proto/swap`,
 * the mean of a snapshot's swaps, in the row of the step that follows its measurement.
 */
export const METRICS = [
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
  'proto/purity',
  'proto/nmi',
  'proto/dead',
  'proto/swap',
  'val/loss',
  'val/loss_q0',
  'val/loss_q1',
  'val/loss_q2',
  'val/loss_q3',
] as const;
export type MetricKey = (typeof METRICS)[number];
/** Measured at some steps only; q0 … q3 are the quarters of the chain, q0 the least noise. */
export type ValidationMetrics = Record<Extract<MetricKey, `val/${string}`>, number>;
