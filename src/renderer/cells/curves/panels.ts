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

export const HEIGHTS = { large: 178, small: 128 };
/** Panels of a row at most; three large ones share a row, too. */
const ROW = { large: 2, small: 4, compactSmall: 3 };
const COLUMNS = 12;

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
  one('contrastive', 'Contrastive', 'small', 'train/loss_proto/contrastive', { loss: true }),
  one('align', 'Alignment', 'small', 'train/loss_proto/align', { loss: true }),
  one('compact', 'Compactness', 'small', 'train/loss_proto/compact', { loss: true }),
  {
    id: 'validation-quarters',
    title: 'Validation by quarter of t',
    size: 'small',
    loss: true,
    noisy: false,
    metrics: [
      { key: 'val/loss_q0', end: 'q1' },
      { key: 'val/loss_q1', end: 'q2' },
      { key: 'val/loss_q2', end: 'q3' },
      { key: 'val/loss_q3', end: 'q4' },
    ],
  },
  one('lr', 'Learning rate', 'small', 'train/lr', { noisy: false }),
  one('grad-norm', 'Gradient norm', 'small', 'train/grad_norm'),
  one('perplexity', 'Prototype perplexity', 'small', 'proto/perplexity', { noisy: false }),
  one('validation', 'Validation loss', 'large', 'val/loss', {
    loss: true,
    noisy: false,
    optional: true,
  }),
  one('churn', 'Assignment churn', 'small', 'proto/churn', { noisy: false, optional: true }),
  one('purity', 'Purity', 'small', 'proto/purity', { noisy: false, optional: true }),
  one('nmi', 'NMI with the labels', 'small', 'proto/nmi', { noisy: false, optional: true }),
  one('dead', 'Dead prototypes', 'small', 'proto/dead', { noisy: false, optional: true }),
  one('swap', 'Change of eps by a swap', 'small', 'proto/swap', { noisy: false, optional: true }),
  one('speed', 'Images a second', 'small', 'train/images_per_s', { optional: true }),
];

/** The panels that a cell shows: as chosen, or those that are not optional. */
export function panelsOf(chosen: readonly string[] | undefined): PanelSpec[] {
  return PANELS.filter(({ id, optional }) => chosen?.includes(id) ?? optional !== true);
}

/**
 * The panels in the order drawn, large ones first, each with its columns of twelve. Every row is
 * full, and panels are spread over the rows evenly: none is left alone under others.
 */
export function laidOut(
  panels: readonly PanelSpec[],
  compact: boolean,
): { panel: PanelSpec; span: number }[] {
  return (['large', 'small'] as const).flatMap((size) => {
    const all = panels.filter((panel) => panel.size === size);
    const most =
      size === 'large'
        ? all.length === 3
          ? 3
          : ROW.large
        : compact
          ? ROW.compactSmall
          : ROW.small;
    const rows = Math.ceil(all.length / most);
    return all.map((panel, i) => {
      const row = Math.floor((i * rows) / all.length);
      const [from, to] = [row, row + 1].map((each) => Math.ceil((each * all.length) / rows));
      return { panel, span: COLUMNS / ((to ?? 0) - (from ?? 0)) };
    });
  });
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
