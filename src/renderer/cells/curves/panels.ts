import type { RunConfig } from '@shared/config/run-config';
import type { MetricKey } from '@shared/protocol/contract';

/** One panel of curves: a metric, or metrics of one kind that share their axis. */
export interface PanelSpec {
  id: string;
  title: string;
  size: keyof typeof HEIGHTS;
  /** Drawn on a log axis when that is chosen. */
  loss: boolean;
  /** Whether there is noise to smooth away: settings and repeatable measurements have none. */
  noisy: boolean;
  metrics: readonly { key: MetricKey; end?: string }[];
  /** Not shown until it is chosen. */
  optional?: boolean;
}

export const HEIGHTS = { large: 178, quarter: 132, third: 116 };

const one = (
  id: string,
  title: string,
  size: PanelSpec['size'],
  key: MetricKey,
  rest: Partial<PanelSpec> = {},
): PanelSpec => ({ id, title, size, loss: false, noisy: true, metrics: [{ key }], ...rest });

export const PANELS: readonly PanelSpec[] = [
  one('total', 'Total loss', 'large', 'train/loss', { loss: true }),
  one('diffusion', 'Diffusion loss', 'large', 'train/loss_diff', { loss: true }),
  one('contrastive', 'Contrastive', 'quarter', 'train/loss_proto/contrastive', { loss: true }),
  one('align', 'Alignment', 'quarter', 'train/loss_proto/align', { loss: true }),
  one('compact', 'Compactness', 'quarter', 'train/loss_proto/compact', { loss: true }),
  {
    id: 'validation-quarters',
    title: 'Validation by quarter of t',
    size: 'quarter',
    loss: true,
    noisy: false,
    metrics: [
      { key: 'val/loss_q0', end: 'q1' },
      { key: 'val/loss_q1', end: 'q2' },
      { key: 'val/loss_q2', end: 'q3' },
      { key: 'val/loss_q3', end: 'q4' },
    ],
  },
  one('lr', 'Learning rate', 'third', 'train/lr', { noisy: false }),
  one('grad-norm', 'Gradient norm', 'third', 'train/grad_norm'),
  one('perplexity', 'Prototype perplexity', 'third', 'proto/perplexity', { noisy: false }),
  one('validation', 'Validation loss', 'large', 'val/loss', {
    loss: true,
    noisy: false,
    optional: true,
  }),
  one('churn', 'Assignment churn', 'third', 'proto/churn', { noisy: false, optional: true }),
  one('purity', 'Purity', 'third', 'proto/purity', { noisy: false, optional: true }),
  one('nmi', 'NMI with the labels', 'third', 'proto/nmi', { noisy: false, optional: true }),
  one('dead', 'Dead prototypes', 'third', 'proto/dead', { noisy: false, optional: true }),
  one('swap', 'Change of eps by a swap', 'third', 'proto/swap', { noisy: false, optional: true }),
  one('speed', 'Images a second', 'third', 'train/images_per_s', { optional: true }),
];

/** The panels that a cell shows: as chosen, or those that are not optional. */
export function panelsOf(chosen: readonly string[] | undefined): PanelSpec[] {
  return PANELS.filter(({ id, optional }) => chosen?.includes(id) ?? optional !== true);
}

/** The title with what was measured, where that needs saying. */
export function titleOf(panel: PanelSpec, config: RunConfig | undefined): string {
  const validation = panel.id.startsWith('validation');
  return validation && config?.data.validation === 0
    ? `${panel.title}, on training images`
    : panel.title;
}

/** A metric in words: of the quarters of the chain, their timesteps. */
export function metricName(key: MetricKey, config: RunConfig | undefined): string {
  const quarter = /^val\/loss_q([0-3])$/.exec(key)?.[1];
  if (quarter === undefined) return '';
  const T = config?.diffusion.timesteps ?? 1000;
  const [from, to] = [Number(quarter), Number(quarter) + 1].map((q) => Math.ceil((q * T) / 4));
  return `q${Number(quarter) + 1} (t ${from ?? 0}–${(to ?? T) - 1})`;
}
