/**
 * Keyed, counter-based random numbers: Philox4x32-10 (Salmon et al., "Parallel random numbers: as
 * easy as 1, 2, 3", SC 2011). A stream is a pure function of (seed, name, counter), so nothing
 * has to be saved for a run to resume exactly: the step is the state.
 *
 * Integers and uniforms are bit-identical everywhere. Normals go through Math.log, cos and sin,
 * whose last bit an engine may choose; rounding to float32 hides nearly all of that, not all.
 * Within one runtime they repeat exactly.
 */
const STREAMS = {
  'data-order': 1,
  flip: 2,
  t: 3,
  noise: 4,
  draw: 5,
  'sample-noise': 6,
  'sample-draw': 7,
  init: 8,
  probe: 9,
  layout: 10,
  shift: 11,
  condition: 12,
  validation: 13,
  rotate: 14,
  surgery: 15,
} as const;

/** What the numbers are for. Each name is a key of its own: adding one changes no other. */
export type StreamName = keyof typeof STREAMS;

export interface Rng {
  /** An integer in [0, 2^32). */
  uint32(): number;
  /** A number in [0, 1), a multiple of 2^-32. */
  uniform(): number;
  /** A standard normal, rounded to float32; at most 6.8 in magnitude. */
  normal(): number;
  /** An unbiased integer in [0, n); 1 <= n <= 2^32, else RangeError. */
  int(n: number): number;
  /** Fills the array with what so many calls of `normal` would give, and returns it. */
  fillNormal(target: Float32Array): Float32Array;
  /** A uniformly drawn order of 0 … n - 1 (Fisher–Yates). */
  permutation(n: number): Int32Array;
}

const TWO_32 = 2 ** 32;

/**
 * The stream of `name` under `seed`, at `counter` (a step, an epoch, an image): streams of
 * different (seed, name, counter) do not overlap.
 * @param seed integer in [0, 2^32)
 * @param counter integer in [0, 2^53)
 * @throws RangeError when either is out of range.
 */
export function stream(seed: number, name: StreamName, counter: number): Rng {
  if (!Number.isInteger(seed) || seed < 0 || seed >= TWO_32) {
    throw new RangeError(`seed ${seed} is not an integer in [0, 2^32)`);
  }
  if (!Number.isSafeInteger(counter) || counter < 0) {
    throw new RangeError(`counter ${counter} is not an integer in [0, 2^53)`);
  }
  const key: [number, number] = [seed, STREAMS[name]];
  const high: [number, number] = [counter % TWO_32, Math.floor(counter / TWO_32)];
  const words = new Uint32Array(4);
  let block = 0;
  let used = 4;
  let spare: number | undefined;

  const uint32 = (): number => {
    if (used === 4) {
      words[0] = block % TWO_32;
      words[1] = Math.floor(block / TWO_32);
      words[2] = high[0];
      words[3] = high[1];
      philox(words, key[0], key[1]);
      block += 1;
      used = 0;
    }
    return words[used++] as number;
  };
  const uniform = (): number => uint32() / TWO_32;
  // Box–Muller gives two normals a time; the half keeps the logarithm away from zero.
  const normal = (): number => {
    if (spare !== undefined) {
      const value = spare;
      spare = undefined;
      return value;
    }
    const radius = Math.sqrt(-2 * Math.log((uint32() + 0.5) / TWO_32));
    const angle = 2 * Math.PI * uniform();
    spare = Math.fround(radius * Math.sin(angle));
    return Math.fround(radius * Math.cos(angle));
  };
  const int = (n: number): number => {
    if (!Number.isInteger(n) || n < 1 || n > TWO_32) {
      throw new RangeError(`int(${n}): n is not an integer in [1, 2^32]`);
    }
    const limit = TWO_32 - (TWO_32 % n);
    let value = uint32();
    while (value >= limit) value = uint32();
    return value % n;
  };
  return {
    uint32,
    uniform,
    normal,
    int,
    fillNormal: (target) => {
      for (let i = 0; i < target.length; i++) target[i] = normal();
      return target;
    },
    permutation: (n) => {
      const order = Int32Array.from({ length: n }, (_, i) => i);
      for (let i = n - 1; i > 0; i--) {
        const j = int(i + 1);
        const other = order[j] as number;
        order[j] = order[i] as number;
        order[i] = other;
      }
      return order;
    },
  };
}

/** Ten rounds of Philox4x32 over the four counter words, in place. */
export function philox(words: Uint32Array, key0: number, key1: number): void {
  let [x0, x1, x2, x3] = words as unknown as [number, number, number, number];
  let k0 = key0 | 0;
  let k1 = key1 | 0;
  for (let round = 0; round < 10; round++) {
    const high0 = multiplyHigh(0xd2511f53, x0);
    const low0 = Math.imul(0xd2511f53, x0);
    const high1 = multiplyHigh(0xcd9e8d57, x2);
    const low1 = Math.imul(0xcd9e8d57, x2);
    x0 = (high1 ^ x1 ^ k0) >>> 0;
    x1 = low1 >>> 0;
    x2 = (high0 ^ x3 ^ k1) >>> 0;
    x3 = low0 >>> 0;
    k0 = (k0 + 0x9e3779b9) | 0;
    k1 = (k1 + 0xbb67ae85) | 0;
  }
  words[0] = x0;
  words[1] = x1;
  words[2] = x2;
  words[3] = x3;
}

/** The upper 32 bits of the 64-bit product of two unsigned 32-bit integers. */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16); // < 2^32
  const cross = aLow * bHigh + (middle & 0xffff); // < 2^32
  return aHigh * bHigh + (middle >>> 16) + (cross >>> 16);
}
