import { AppError } from '@shared/errors';
import { download } from '../../components/png';
import type { PanelPicture } from '../../plots/lines';
import { pngOfPanels, svgOfPanels } from '../../plots/picture';
import { csvOf, panelCsv } from './csv';
import type { DrawnRun } from './run-lines';

const bytesOf = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

/**
 * All recorded values of the runs.
 * @throws AppError wrong_state while not all of them have come
 */
export function saveRuns(name: string, runs: readonly DrawnRun[]): void {
  const coming = runs.find(({ session }) => session.curves.outline);
  if (coming) {
    throw new AppError('wrong_state', `The history of ${coming.name} is still being read.`, {
      remedy: 'Save it again in a few seconds.',
    });
  }
  const csv = csvOf(runs.map(({ session }) => session));
  download(`${name}_curves.csv`, bytesOf(csv), 'text/csv');
}

/** Panels as they stand, the zoom included. */
export async function savePanels(
  kind: 'csv' | 'png' | 'svg',
  name: string,
  panels: readonly PanelPicture[],
): Promise<void> {
  const [first] = panels;
  if (!first) return;
  const slug = first.title.toLowerCase().replace(/[^a-z0-9]+/g, '-');
  const file = `${name}_${panels.length > 1 ? 'curves' : slug}.${kind}`;
  if (kind === 'csv') download(file, bytesOf(panelCsv(first)), 'text/csv');
  else if (kind === 'png') download(file, await pngOfPanels(panels), 'image/png');
  else download(file, bytesOf(await svgOfPanels(panels)), 'image/svg+xml');
}
