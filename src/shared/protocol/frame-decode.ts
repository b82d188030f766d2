import { AppError } from '../errors';
import { BYTES_PER_ITEM, sizeOf } from '../maths/ndarray';
import type { DType, NdArray, NdData } from '../maths/ndarray';
import { ENGINE_LIMITS, FRAME_VERSION, KINDS, PREFIX_BYTES, align } from './frame-layout';
import type { Frame, FrameKind, FrameLimits } from './frame-layout';

const MAX_RANK = 8;
/**
 * Keys that could reach Object.prototype when some later code copies the object carelessly.
 * `prototype` alone cannot, and is a word of our field.
 */
const FORBIDDEN = new Set(['__proto__', 'constructor']);

type Json = Record<string, unknown>;

/**
 * Reads one frame. Arrays are laid over `bytes` where the alignment allows it and copied
 * elsewhere, so the caller must not change `bytes` afterwards.
 *
 * Strict: the tensors must follow each other without gaps and end with the frame, and nothing is
 * allocated for a length that the frame does not hold.
 *
 * @throws AppError `bad_message`
 */
export function decodeFrame(bytes: Uint8Array, limits: FrameLimits = ENGINE_LIMITS): Frame {
  if (bytes.length > limits.frameBytes) refuse(`it has ${bytes.length} bytes, too many`);
  const { view, kind, stream, seq } = readPrefix(bytes);
  const headerBytes = view.getUint32(12, true);
  if (headerBytes > limits.headerBytes) refuse(`its header of ${headerBytes} bytes is too long`);
  const start = align(PREFIX_BYTES + headerBytes);
  if (start > bytes.length) refuse('it ends within its header');

  const header = parseHeader(bytes.subarray(PREFIX_BYTES, PREFIX_BYTES + headerBytes), limits);
  const { name, body, tensors = [], ...others } = header;
  if (Object.keys(others).length > 0) refuse('its header has unknown fields');
  if (name !== undefined && typeof name !== 'string') refuse('its name is not a string');
  if (!isObject(body)) return refuse('its body is not an object');
  if (!Array.isArray(tensors) || tensors.length > limits.tensors) refuse('its tensors are no list');
  addTensors(body, tensors as unknown[], bytes.subarray(start));
  return { kind, stream, seq, ...(name === undefined ? {} : { name: name as string }), body };
}

/** The fixed part of a frame, as far as it can be read: to whom an error answer goes. */
export function peekFrame(
  bytes: Uint8Array,
): { kind: FrameKind; stream: number; seq: number } | undefined {
  if (bytes.length < PREFIX_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const kind = KINDS[view.getUint8(1)];
  if (view.getUint8(0) !== FRAME_VERSION || kind === undefined) return undefined;
  return { kind, stream: view.getUint32(4, true), seq: view.getUint32(8, true) };
}

function readPrefix(bytes: Uint8Array) {
  if (bytes.length < PREFIX_BYTES) return refuse('it is shorter than its prefix');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const version = view.getUint8(0);
  if (version !== FRAME_VERSION) refuse(`its version is ${version}, not ${FRAME_VERSION}`);
  if (view.getUint16(2, true) !== 0) refuse('its flags are not zero');
  const peeked = peekFrame(bytes);
  if (peeked === undefined) return refuse(`its kind ${view.getUint8(1)} is unknown`);
  return { view, ...peeked };
}

function parseHeader(bytes: Uint8Array, limits: FrameLimits): Json {
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new AppError('bad_message', 'A message was refused: its header is not JSON.', { cause });
  }
  checkJson(header, limits.depth);
  return isObject(header) ? header : refuse('its header is not an object');
}

/** Walks without recursion: the depth is what is being checked. */
function checkJson(root: unknown, limit: number): void {
  const open: { value: unknown; depth: number }[] = [{ value: root, depth: 0 }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { value, depth } = next;
    // 1e999 parses to Infinity.
    if (typeof value === 'number' && !Number.isFinite(value)) refuse('it holds a number too large');
    if (typeof value !== 'object' || value === null) continue;
    if (depth >= limit) refuse('its header is nested too deeply');
    if (!Array.isArray(value) && Object.keys(value).some((key) => FORBIDDEN.has(key))) {
      refuse('its header has a forbidden key');
    }
    for (const child of Object.values(value)) open.push({ value: child, depth: depth + 1 });
  }
}

function addTensors(body: Json, entries: unknown[], area: Uint8Array): void {
  let end = 0;
  for (const entry of entries) {
    if (!isObject(entry)) return refuse('a tensor entry is not an object');
    const { name, dtype, shape, at, bytes } = entry;
    if (typeof name !== 'string' || FORBIDDEN.has(name) || Object.hasOwn(body, name)) {
      return refuse('a tensor has no name of its own');
    }
    if (!isCount(bytes) || at !== end) return refuse(`tensor ${name} is not where it should be`);
    end += align(bytes);
    if (end > area.length) return refuse(`tensor ${name} reaches beyond the frame`);
    body[name] = readTensor(name, dtype, shape, area.subarray(at, at + bytes));
  }
  if (end !== area.length) refuse('bytes are left over');
}

function readTensor(name: string, dtype: unknown, shape: unknown, bytes: Uint8Array) {
  if (!Array.isArray(shape) || shape.length > MAX_RANK || !shape.every(isCount)) {
    return refuse(`tensor ${name} has no proper shape`);
  }
  const items = sizeOf(shape);
  if (dtype === 'utf8') {
    if (items !== bytes.length) return refuse(`text ${name} has another length than it says`);
    return decodeText(name, bytes);
  }
  if (typeof dtype !== 'string' || !Object.hasOwn(BYTES_PER_ITEM, dtype)) {
    return refuse(`tensor ${name} has an unknown type`);
  }
  const known = dtype as DType;
  if (items * BYTES_PER_ITEM[known] !== bytes.length) {
    return refuse(`tensor ${name} has another length than its shape`);
  }
  const tensor: NdArray = { dtype: known, shape: shape as number[], data: overlay(known, bytes) };
  return tensor;
}

function decodeText(name: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new AppError('bad_message', `A message was refused: text ${name} is not UTF-8.`, {
      cause,
    });
  }
}

function overlay(dtype: DType, bytes: Uint8Array): NdData {
  const item = BYTES_PER_ITEM[dtype];
  // Sockets hand out slices of a pool: their start may be odd.
  const { buffer, byteOffset } = bytes.byteOffset % item === 0 ? bytes : bytes.slice();
  const items = bytes.length / item;
  switch (dtype) {
    case 'f32':
      return new Float32Array(buffer, byteOffset, items);
    case 'f64':
      return new Float64Array(buffer, byteOffset, items);
    case 'i32':
      return new Int32Array(buffer, byteOffset, items);
    case 'u8':
      return new Uint8Array(buffer, byteOffset, items);
  }
}

function refuse(why: string): never {
  throw new AppError('bad_message', `A message was refused: ${why}.`);
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
