import { AppError } from '../errors';
import { BYTES_PER_ITEM, isNdArray, sizeOf } from '../maths/ndarray';
import type { DType, NdArray } from '../maths/ndarray';
import { FRAME_VERSION, KINDS, PREFIX_BYTES, align } from './frame-layout';
import type { Frame } from './frame-layout';

export { decodeFrame, peekFrame } from './frame-decode';
export { ENGINE_LIMITS, FRAME_VERSION, KINDS, PREFIX_BYTES, WINDOW_LIMITS } from './frame-layout';
export type { Frame, FrameKind, FrameLimits } from './frame-layout';

/** A top-level string longer than this (UTF-16 units) travels beside the JSON, as UTF-8. */
const LONG_TEXT = 65_536;

interface Part {
  entry: {
    name: string;
    dtype: DType | 'utf8';
    shape: readonly number[];
    at: number;
    bytes: number;
  };
  bytes: Uint8Array;
}

/**
 * One message as bytes; the layout stands in frame-layout.ts. The arrays of the body's top level
 * are copied into the frame, so the caller may reuse them at once.
 *
 * JSON has no NaN or infinity: such a number becomes null, which only a nullable field of the
 * contract accepts at the other end. Numbers that may be NaN travel in arrays.
 *
 * @throws AppError `internal` when the body cannot be written (a cycle, an array below the top level)
 */
export function encodeFrame(frame: Frame): Uint8Array<ArrayBuffer> {
  const { parts, rest } = split(frame.body);
  const json = stringify({
    ...(frame.name === undefined ? {} : { name: frame.name }),
    body: rest,
    ...(parts.length === 0 ? {} : { tensors: parts.map((part) => part.entry) }),
  });
  const header = new TextEncoder().encode(json);
  const start = align(PREFIX_BYTES + header.length);
  const total = start + parts.reduce((sum, part) => sum + align(part.bytes.length), 0);

  const bytes = new Uint8Array(total);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, FRAME_VERSION);
  view.setUint8(1, KINDS.indexOf(frame.kind));
  view.setUint32(4, frame.stream, true);
  view.setUint32(8, frame.seq, true);
  view.setUint32(12, header.length, true);
  bytes.set(header, PREFIX_BYTES);
  for (const part of parts) bytes.set(part.bytes, start + part.entry.at);
  return bytes;
}

/** A copy of a frame, for this stream as its `seq`th event. */
export function addressed(frame: Uint8Array, stream: number, seq: number): Uint8Array {
  const bytes = frame.slice();
  const view = new DataView(bytes.buffer);
  view.setUint32(4, stream, true);
  view.setUint32(8, seq, true);
  return bytes;
}

function split(body: Frame['body']): { parts: Part[]; rest: Record<string, unknown> } {
  const parts: Part[] = [];
  const rest: Record<string, unknown> = {};
  let at = 0;
  const take = (
    name: string,
    dtype: DType | 'utf8',
    shape: readonly number[],
    bytes: Uint8Array,
  ) => {
    parts.push({ entry: { name, dtype, shape, at, bytes: bytes.length }, bytes });
    at += align(bytes.length);
  };
  for (const [name, value] of Object.entries(body)) {
    if (isNdArray(value)) take(name, value.dtype, value.shape, bytesOf(name, value));
    else if (typeof value === 'string' && value.length > LONG_TEXT) {
      const text = new TextEncoder().encode(value);
      take(name, 'utf8', [text.length], text);
    } else rest[name] = value;
  }
  return { parts, rest };
}

function bytesOf(name: string, { data, dtype, shape }: NdArray): Uint8Array {
  // A view may start anywhere in a larger buffer, so the buffer alone would be the wrong bytes.
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  if (bytes.length !== sizeOf(shape) * BYTES_PER_ITEM[dtype]) {
    throw new AppError(
      'internal',
      `Array ${name} has ${data.length} items but its shape is [${shape.join(', ')}] of ${dtype}.`,
    );
  }
  return bytes;
}

function stringify(header: unknown): string {
  try {
    return JSON.stringify(header, (key, value: unknown) => {
      if (ArrayBuffer.isView(value)) {
        throw new AppError('internal', `Array ${key} is not at the top level of the message.`);
      }
      return value;
    });
  } catch (cause) {
    if (cause instanceof AppError) throw cause;
    throw new AppError('internal', 'The message cannot be written as JSON.', { cause });
  }
}
