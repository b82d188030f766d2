import type { RunConfig } from '@shared/config/run-config';

/** How images are varied from step to step: `mirrored, shifted ≤ 2 px, turned ≤ 10°`, or `no`. */
export function variedWords({
  flip,
  shift,
  rotate,
}: Pick<RunConfig['data'], 'flip' | 'shift' | 'rotate'>): string {
  const ways = [
    flip ? 'half mirrored' : '',
    shift > 0 ? `shift ≤ ${shift} px` : '',
    rotate > 0 ? `turn ≤ ${rotate}°` : '',
  ].filter(Boolean);
  return ways.length === 0 ? 'no' : ways.join(', ');
}
