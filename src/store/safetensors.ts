import { AppError } from '@shared/errors';
import { ndarray, sizeOf } from '@shared/maths/ndarray';
import type { NdArray } from '@shared/maths/ndarray';
import { guarded, diskError } from './disk-error';
import { nodeFs } from './fs-port';
import type { FsPort } from './fs-port';
import { encodeHeader, headerLength, parseHeader } from './safetensors-header';
import type { Entry } from './safetensors-header';

/**
 * The safetensors format: 8 bytes little-endian header length, JSON header, the tensors without
 * holes. Items are little-endian, as every machine that we run on.
 * @source https://huggingface.co/docs/safetensors
 */
export interface Tensors {
  tensors: Record<string, NdArray>;
  metadata: Record<string, string>;
}

/** The file in parts, in order: the header, then each tensor's own bytes (not copied). */
export function safetensorsChunks(
  tensors: Record<string, NdArray>,
  metadata: Record<string, string>,
): Uint8Array[] {
  const { bytes, order } = encodeHeader(tensors, metadata);
  return [
    bytes,
    ...order.map((data) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength)),
  ];
}

export function encodeSafetensors(
  tensors: Record<string, NdArray>,
  metadata: Record<string, string> = {},
): Uint8Array {
  return new Uint8Array(Buffer.concat(safetensorsChunks(tensors, metadata)));
}

/**
 * @param name  what to call the bytes in an error
 * @throws AppError bad_checkpoint with the reason
 */
export function decodeSafetensors(bytes: Uint8Array, name = 'The file'): Tensors {
  return decode(name, bytes.byteLength, (into, at) => {
    into.set(bytes.subarray(at, at + into.byteLength));
  });
}

/**
 * Reads a file tensor by tensor, never the whole of it beside its tensors.
 * @param seen  is given the file's bytes in order, e.g. to hash them
 * @throws AppError bad_checkpoint with the reason; disk when it cannot be read
 */
export function readSafetensors(
  path: string,
  fs: FsPort = nodeFs,
  seen: (bytes: Uint8Array) => void = () => undefined,
): Tensors {
  return guarded(`${path} could not be read`, () => {
    const size = fs.stat(path).size;
    const fd = fs.open(path, 'r');
    try {
      return decode(path, size, (into, at) => {
        for (let done = 0; done < into.byteLength;) {
          const count = fs.read(fd, into.subarray(done), at + done);
          if (count === 0) throw new Error('it became shorter while it was read');
          done += count;
        }
        seen(into);
      });
    } finally {
      fs.close(fd);
    }
  });
}

type Fill = (into: Uint8Array, at: number) => void;

function decode(name: string, fileBytes: number, fill: Fill): Tensors {
  try {
    const prefix = Buffer.alloc(Math.min(8, fileBytes));
    fill(prefix, 0);
    const length = headerLength(prefix, fileBytes);
    const json = new Uint8Array(length);
    fill(json, 8);
    let at = 8 + length;
    const { entries, metadata } = parseHeader(json, fileBytes - at);
    const tensors: Record<string, NdArray> = {};
    for (const entry of entries) {
      const bytes = new Uint8Array(entry.size);
      fill(bytes, at);
      tensors[entry.name] = arrayOf(entry, bytes);
      at += entry.size;
    }
    return { tensors, metadata };
  } catch (error) {
    const failure = diskError(`${name} could not be read`, error);
    if (failure.code !== 'internal') throw failure;
    const reason = error instanceof Error ? error.message : String(error);
    throw new AppError('bad_checkpoint', `${name} is not a whole safetensors file: ${reason}.`, {
      remedy: 'Use another copy of it, or an earlier checkpoint.',
      cause: error,
    });
  }
}

function arrayOf({ name, dtype, shape }: Entry, bytes: Uint8Array<ArrayBuffer>): NdArray {
  switch (dtype) {
    case 'F32':
      return ndarray(new Float32Array(bytes.buffer), shape);
    case 'F64':
      return ndarray(new Float64Array(bytes.buffer), shape);
    case 'I32':
      return ndarray(new Int32Array(bytes.buffer), shape);
    case 'U8':
      return ndarray(bytes, shape);
    case 'I64':
      return ndarray(narrowed(name, new BigInt64Array(bytes.buffer), sizeOf(shape)), shape);
  }
}

function narrowed(name: string, wide: BigInt64Array, size: number): Int32Array {
  const out = new Int32Array(size);
  wide.forEach((value, i) => {
    if (BigInt.asIntN(32, value) !== value) {
      throw new Error(`${name} holds ${value}, which does not fit 32 bits`);
    }
    out[i] = Number(value);
  });
  return out;
}
