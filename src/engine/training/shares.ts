import { sharesOf } from '@shared/config/sampling-rows';
import type { Conditioning } from '@shared/config/sampling-rows';

/**
 * Each image's share of each prototype or class, as conditionFrom takes them.
 *
 * @param chosen  per image: what it is a mix of; nothing: all of them alike
 * @returns       [chosen.length, K] row-major
 */
export function shares(k: number, chosen: readonly Conditioning[]): Float32Array {
  const out = new Float32Array(chosen.length * k);
  chosen.forEach((parts, i) => {
    if (parts.length === 0) out.fill(1 / k, i * k, (i + 1) * k);
    sharesOf(parts).forEach((share, part) => {
      const at = i * k + (parts[part]?.prototype ?? 0);
      out[at] = (out[at] ?? 0) + share;
    });
  });
  return out;
}
