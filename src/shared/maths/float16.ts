/**
 * IEEE 754 half precision: 1 sign, 5 exponent and 10 fraction bits; 65,504 at most, relative error
 * 2^-11. The oldest runtime we serve has no Float16Array.
 */
export function toFloat16(values: Float32Array): Uint16Array {
  const out = new Uint16Array(values.length);
  for (let i = 0; i < values.length; i++) out[i] = encode(values[i] as number);
  return out;
}

export function fromFloat16(halves: Uint16Array): Float32Array {
  const out = new Float32Array(halves.length);
  for (let i = 0; i < halves.length; i++) out[i] = decode(halves[i] as number);
  return out;
}

const single = new Float32Array(1);
const bits = new Uint32Array(single.buffer);

/** To the nearest, ties to even; what is too large becomes infinite. */
function encode(value: number): number {
  single[0] = value;
  const word = bits[0] as number;
  const sign = (word >>> 16) & 0x8000;
  const size = word & 0x7fff_ffff;
  if (size > 0x7f80_0000) return sign | 0x7e00; // NaN
  if (size >= 0x4780_0000) return sign | 0x7c00; // 65,536 and above
  // Below 2^-14 halves are multiples of 2^-24.
  if (size < 0x3880_0000) return sign | toEven(Math.abs(value) * 2 ** 24);
  const rounded = size + 0x0fff + ((size >>> 13) & 1);
  return sign | Math.min(0x7c00, (rounded - 0x3800_0000) >>> 13);
}

function toEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}

function decode(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >>> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
