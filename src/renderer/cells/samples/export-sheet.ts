import type { SampleSettings } from '@shared/protocol/contract';
import type { Picture } from '../../components/pixels';
import { download, pngOf, sheetOf } from '../../components/png';

/** The name that a downloaded sheet carries, after the run's own previews. */
export function sheetName({ run, step, seed }: SampleSettings): string {
  return `${run}_step_${String(step).padStart(8, '0')}_seed_${seed}.png`;
}

/** Downloads the grid at its own pixels, one pixel between images, the settings in a text chunk. */
export function saveSheet(
  tiles: readonly Picture[],
  columns: number,
  settings: SampleSettings,
): void {
  const rows: Picture[][] = [];
  for (let at = 0; at < tiles.length; at += columns) rows.push(tiles.slice(at, at + columns));
  const sheet = sheetOf(rows, 1, [255, 255, 255]);
  download(sheetName(settings), pngOf(sheet, { settings }), 'image/png');
}
