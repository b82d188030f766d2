import type { Picture } from '../../components/pixels';

/**
 * The forward process on one picture, for show: x_t = √ᾱ_t x_0 + √(1 − ᾱ_t) eps, pixels in [-1, 1].
 *
 * @param betas  the linear schedule's ends and length
 * @param eps    standard normal draws, the same at each t
 */
export function noised(
  picture: Picture,
  t: number,
  betas: { start: number; end: number; timesteps: number },
  eps: () => number,
): Picture {
  const kept = alphaBar(t, betas);
  const signal = Math.sqrt(kept);
  const noise = Math.sqrt(1 - kept);
  const rgba = new Uint8ClampedArray(picture.rgba);
  const grey = isGrey(picture);
  for (let i = 0; i < rgba.length; i += 4) {
    let draw = eps();
    for (let c = 0; c < 3; c++) {
      if (c > 0 && !grey) draw = eps();
      const x_0 = ((picture.rgba[i + c] ?? 0) / 255) * 2 - 1;
      rgba[i + c] = ((signal * x_0 + noise * draw + 1) / 2) * 255;
    }
  }
  return { ...picture, rgba };
}

/** ᾱ_t, the product of 1 − β up to and including t. */
export function alphaBar(
  t: number,
  { start, end, timesteps }: { start: number; end: number; timesteps: number },
): number {
  let product = 1;
  for (let i = 0; i <= t; i++) product *= 1 - (start + ((end - start) * i) / (timesteps - 1));
  return product;
}

function isGrey({ rgba }: Picture): boolean {
  for (let i = 0; i < rgba.length; i += 4) {
    if (rgba[i] !== rgba[i + 1] || rgba[i] !== rgba[i + 2]) return false;
  }
  return true;
}

/** Standard normal draws from a small seeded generator: the picture is the same at every start. */
export function normals(seed: number): () => number {
  let state = seed >>> 0;
  const uniform = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (((mixed ^ (mixed >>> 14)) >>> 0) + 0.5) / 4294967296;
  };
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}
