import type { SampleSettings } from '@shared/protocol/contract';
import type { Picture } from '../../components/pixels';

/** The name that a downloaded sheet carries, after the run's own previews. */
export function sheetName({ run, step, seed }: SampleSettings): string {
  return `${run}_step_${String(step).padStart(8, '0')}_seed_${seed}.png`;
}

/** Downloads the grid at its own pixels, one pixel between images. */
export function saveSheet(
  tiles: readonly Picture[],
  columns: number,
  settings: SampleSettings,
): void {
  const [first] = tiles;
  if (!first) return;
  const rows = Math.ceil(tiles.length / columns);
  const canvas = document.createElement('canvas');
  canvas.width = columns * (first.width + 1) - 1;
  canvas.height = rows * (first.height + 1) - 1;
  const context = canvas.getContext('2d');
  tiles.forEach(({ width, height, rgba }, i) => {
    context?.putImageData(
      new ImageData(rgba, width, height),
      (i % columns) * (width + 1),
      Math.floor(i / columns) * (height + 1),
    );
  });
  const link = document.createElement('a');
  link.download = sheetName(settings);
  link.href = canvas.toDataURL('image/png');
  link.click();
}
