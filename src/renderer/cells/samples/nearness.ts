import { figure } from '../../components/format';
import type { SheetImage } from './sheet-maker.svelte';

/** `near`: nearer than training images usually are to each other; `copy`: nearer than half of that. */
export type Nearness = 'usual' | 'near' | 'copy';

/** @param usual  distance of a training image to its nearest other one; null while unknown */
export function nearnessOf(distance: number, usual: number | null): Nearness {
  if (usual === null || distance >= usual) return 'usual';
  return distance < usual / 2 ? 'copy' : 'near';
}

/** What the distances of a sheet say, in a sentence. */
export function nearWords(images: readonly SheetImage[], usual: number | null): string {
  const distances = images.flatMap(({ nearest }) => nearest?.distance ?? []);
  if (distances.length === 0) return '';
  const sorted = [...distances].sort((a, b) => a - b);
  const median = figure(sorted[Math.floor(sorted.length / 2)] ?? 0);
  if (usual === null) return `Nearest training images: median distance ${median}.`;
  const of = (wanted: Nearness): number =>
    distances.filter((distance) => nearnessOf(distance, usual) === wanted).length;
  const [copies, near] = [of('copy'), of('near')];
  const words =
    copies > 0
      ? `${copies} of ${distances.length} are copies: nearer than half of that`
      : near > 0
        ? `${near} of ${distances.length} are nearer than that`
        : 'none is nearer than that';
  return `Nearest training images: median distance ${median}; training images are usually ${figure(usual)} from each other, ${words}.`;
}
