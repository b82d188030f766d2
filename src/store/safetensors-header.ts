import { sizeOf } from '@shared/maths/ndarray';
import type { NdArray, NdData } from '@shared/maths/ndarray';
import { parseStrict } from './strict-json';

/** Longer headers are refused, as the format's reference implementation does. */
export const MAX_HEADER_BYTES = 100_000_000;

/** Bytes per item of what we read. I64 is narrowed to i32 where every value fits. */
const ITEM_BYTES = { F32: 4, F64: 8, I32: 4, U8: 1, I64: 8 } as const;
export type FileDtype = keyof typeof ITEM_BYTES;

const NAMES = { f32: 'F32', f64: 'F64', i32: 'I32', u8: 'U8' } as const;

export interface Entry {
  name: string;
  dtype: FileDtype;
  shape: number[];
  /** Bytes. */
  size: number;
}

export interface Header {
  /** In file order, each beginning where the one before ends. */
  entries: Entry[];
  metadata: Record<string, string>;
}

/**
 * Length prefix and JSON header, padded with spaces so that the tensors begin on a multiple of 8.
 * Tensors are laid out widest items first, then by name, so that each is aligned to its items.
 */
export function encodeHeader(
  tensors: Record<string, NdArray>,
  metadata: Record<string, string>,
): { bytes: Uint8Array; order: NdData[] } {
  const width = (array: NdArray): number => ITEM_BYTES[NAMES[array.dtype]];
  const sorted = Object.entries(tensors).sort(
    ([a, x], [b, y]) => width(y) - width(x) || (a < b ? -1 : 1),
  );
  const header: Record<string, unknown> = {};
  if (Object.keys(metadata).length > 0) header.__metadata__ = metadata;
  let at = 0;
  for (const [name, array] of sorted) {
    if (name === '__metadata__' || name === '__proto__') {
      throw new RangeError(`a tensor may not be called ${name}`);
    }
    if (sizeOf(array.shape) !== array.data.length) {
      throw new RangeError(`the shape of ${name} does not hold its ${array.data.length} items`);
    }
    const end = at + array.data.byteLength;
    header[name] = { dtype: NAMES[array.dtype], shape: array.shape, data_offsets: [at, end] };
    at = end;
  }
  const json = Buffer.from(JSON.stringify(header));
  if (json.length + 8 > MAX_HEADER_BYTES) throw new RangeError('the header is too long');
  const padded = Math.ceil(json.length / 8) * 8;
  const bytes = Buffer.alloc(8 + padded, ' ');
  bytes.writeBigUInt64LE(BigInt(padded), 0);
  json.copy(bytes, 8);
  return { bytes, order: sorted.map(([, array]) => array.data) };
}

/**
 * @param prefix  the file's first 8 bytes
 * @returns       the length of the JSON header, in bytes
 * @throws Error  saying what is wrong
 */
export function headerLength(prefix: Buffer, fileBytes: number): number {
  if (prefix.length < 8) throw new Error(`it is only ${fileBytes} bytes long`);
  const length = prefix.readBigUInt64LE(0);
  if (length > BigInt(MAX_HEADER_BYTES)) throw new Error(`its header claims ${length} bytes`);
  if (8 + Number(length) > fileBytes) {
    throw new Error(`its header claims ${length} bytes, but the file has ${fileBytes}`);
  }
  return Number(length);
}

/**
 * Checks everything that the header says before anything is allocated for it.
 * @param dataBytes  what the file holds after the header
 * @throws Error     saying what is wrong
 */
export function parseHeader(json: Uint8Array, dataBytes: number): Header {
  if (json[0] !== 0x7b) throw new Error('its header does not begin with {');
  const header = parseStrict(new TextDecoder('utf-8', { fatal: true }).decode(json));
  const metadata: Record<string, string> = {};
  const found: (Entry & { from: number; to: number })[] = [];
  for (const [name, value] of Object.entries(header as Record<string, unknown>)) {
    if (name === '__metadata__') Object.assign(metadata, stringMap(value));
    else found.push(entryOf(name, value));
  }
  found.sort((a, b) => a.from - b.from || a.to - b.to);
  let at = 0;
  for (const { name, from, to } of found) {
    if (from !== at) throw new Error(`${name} begins at byte ${from} of the data instead of ${at}`);
    at = to;
  }
  if (at !== dataBytes) throw new Error(`it holds ${dataBytes} bytes of data instead of ${at}`);
  return {
    entries: found.map(({ name, dtype, shape, size }) => ({ name, dtype, shape, size })),
    metadata,
  };
}

function entryOf(name: string, value: unknown): Entry & { from: number; to: number } {
  if (name === '__proto__') throw new Error('a tensor may not be called __proto__');
  const fields: Record<string, unknown> = isObject(value) ? value : {};
  const { dtype, shape, data_offsets: offsets, ...others } = fields;
  if (!Array.isArray(shape) || !shape.every(isCount))
    throw new Error(`the shape of ${name} is wrong`);
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount)) {
    throw new Error(`the data_offsets of ${name} are wrong`);
  }
  if (Object.keys(others).length > 0) {
    throw new Error(`${name} has an unknown field ${Object.keys(others).join(', ')}`);
  }
  if (typeof dtype !== 'string' || !Object.hasOwn(ITEM_BYTES, dtype)) {
    throw new Error(`${name} holds ${String(dtype)}, which is not supported`);
  }
  const known = dtype as FileDtype;
  const [from = 0, to = 0] = offsets as number[];
  const size = to - from;
  // A product beyond 2^53 cannot equal the difference of two counts, so overflow is caught too.
  if (sizeOf(shape as number[]) * ITEM_BYTES[known] !== size) {
    throw new Error(`${name} of shape [${shape.join(', ')}] does not fill its ${size} bytes`);
  }
  return { name, dtype: known, shape: shape as number[], size, from, to };
}

function stringMap(value: unknown): Record<string, string> {
  if (!isObject(value) || Object.values(value).some((item) => typeof item !== 'string')) {
    throw new Error('its __metadata__ is not a map of strings');
  }
  return value as Record<string, string>;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
