import { readFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import { AppError } from '@shared/errors';
import type { NdArray } from '@shared/maths/ndarray';

const UNSIGNED_BYTES = 8;
const GZIP = [0x1f, 0x8b];
const MAX_BYTES = 2 ** 31;

/**
 * Reads an IDX file of unsigned bytes (the format of MNIST), gzipped or not.
 * @throws AppError bad_data, naming the file and what is wrong with it.
 */
export async function readIdx(path: string): Promise<NdArray<Uint8Array>> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (thrown) {
    throw bad(path, (thrown as Error).message, thrown);
  }
  if (bytes[0] === GZIP[0] && bytes[1] === GZIP[1]) {
    try {
      bytes = gunzipSync(bytes, { maxOutputLength: MAX_BYTES });
    } catch (thrown) {
      throw bad(
        path,
        `its gzip stream is damaged or cut off: ${(thrown as Error).message}`,
        thrown,
      );
    }
  }
  return parseIdx(bytes, path);
}

/**
 * @param what the file's name, for messages
 * @returns a view of `bytes`, its shape the file's extents (1 to 4 of them)
 */
export function parseIdx(bytes: Uint8Array, what: string): NdArray<Uint8Array> {
  const [zero0, zero1, type, rank = 0] = bytes;
  if (bytes.length < 4 || zero0 !== 0 || zero1 !== 0 || type !== UNSIGNED_BYTES) {
    throw bad(what, 'it does not begin as an IDX file of unsigned bytes does');
  }
  if (rank < 1 || rank > 4) throw bad(what, `it has ${rank} axes, not 1 to 4`);
  const start = 4 + 4 * rank;
  if (bytes.length < start) throw bad(what, 'it ends within its header');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const shape = Array.from({ length: rank }, (_, axis) => view.getUint32(4 + 4 * axis));
  // Four extents of 2^32 - 1 would overflow 2^53; BigInt does not.
  const items = shape.reduce((product, extent) => product * BigInt(extent), 1n);
  if (items !== BigInt(bytes.length - start)) {
    throw bad(
      what,
      `its header announces ${shape.join(' x ')} = ${items} bytes and ${bytes.length - start} follow`,
    );
  }
  return { dtype: 'u8', shape, data: bytes.subarray(start) };
}

function bad(what: string, reason: string, cause?: unknown): AppError {
  return new AppError('bad_data', `${what} cannot be read: ${reason}.`, {
    remedy: 'Get the file again from where it came from.',
    cause,
  });
}
