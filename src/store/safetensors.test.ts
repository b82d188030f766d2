import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AppError } from '@shared/errors';
import { BYTES_PER_ITEM, ndarray, sizeOf } from '@shared/maths/ndarray';
import type { NdArray } from '@shared/maths/ndarray';
import { decodeSafetensors, encodeSafetensors, readSafetensors } from './safetensors';
import { SEED, seeded } from './testing/random';
import { temporaryRoot, tensorsOf } from './testing/workspace';

/** A file with any header and data, well formed or not. */
function raw(header: string, data: Uint8Array = new Uint8Array(0)): Uint8Array {
  const json = Buffer.from(header);
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([prefix, json, data]);
}

function refusal(bytes: Uint8Array): string {
  try {
    decodeSafetensors(bytes);
  } catch (error) {
    expect(error).toBeInstanceOf(AppError);
    expect((error as AppError).code).toBe('bad_checkpoint');
    return (error as AppError).message;
  }
  return 'accepted';
}

const array = fc
  .record({
    shape: fc.array(fc.nat(4), { maxLength: 4 }),
    dtype: fc.constantFrom('f32', 'f64', 'i32', 'u8'),
  })
  .chain(({ shape, dtype }) => {
    const bytes = sizeOf(shape) * BYTES_PER_ITEM[dtype];
    return fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((data): NdArray => {
      const { buffer } = data.slice();
      if (dtype === 'f32') return ndarray(new Float32Array(buffer), shape);
      if (dtype === 'f64') return ndarray(new Float64Array(buffer), shape);
      if (dtype === 'i32') return ndarray(new Int32Array(buffer), shape);
      return ndarray(new Uint8Array(buffer), shape);
    });
  });
const name = fc.string({ minLength: 1 }).filter((text) => !text.startsWith('__'));

function bytesOf({ data }: NdArray): Buffer {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}

describe('safetensors', () => {
  it('reads back every bit of any tensors, NaN payloads, scalars and empty ones included', () => {
    const tensors = fc.dictionary(name, array, { noNullPrototype: true });
    const metadata = fc.dictionary(name, fc.string(), { noNullPrototype: true });
    fc.assert(
      fc.property(tensors, metadata, (given, notes) => {
        const bytes = encodeSafetensors(given, notes);
        const read = decodeSafetensors(bytes);
        expect(read.metadata).toEqual(notes);
        expect(Object.keys(read.tensors).sort()).toEqual(Object.keys(given).sort());
        for (const [key, value] of Object.entries(given)) {
          const back = read.tensors[key];
          expect(back?.shape).toEqual(value.shape);
          expect(back?.dtype).toBe(value.dtype);
          expect(back !== undefined && bytesOf(back).equals(bytesOf(value))).toBe(true);
        }
        // What is read is written again in the same bytes.
        expect(Buffer.compare(encodeSafetensors(read.tensors, read.metadata), bytes)).toBe(0);
      }),
      { seed: SEED, numRuns: 200 },
    );
  });

  it('lays the tensors on multiples of 8, behind a header padded with spaces', () => {
    const bytes = encodeSafetensors(tensorsOf(3), { step: '3' });
    const length = Number(Buffer.from(bytes).readBigUInt64LE());
    expect(length % 8).toBe(0);
    const text = Buffer.from(bytes)
      .subarray(8, 8 + length)
      .toString();
    expect(text).toMatch(/^\{"__metadata__":\{"step":"3"\}.*\} *$/);
    const header = JSON.parse(text) as Record<string, { data_offsets: [number, number] }>;
    expect(header['schedule.alphas']?.data_offsets).toEqual([0, 16]);
    expect(header['rng.state']?.data_offsets[1]).toBe(bytes.length - 8 - length);
  });

  it('gives arrays of their own, that neither share memory nor keep the file', () => {
    const bytes = encodeSafetensors({ a: ndarray(Uint8Array.of(1, 2, 3), [3]) });
    const { tensors } = decodeSafetensors(bytes);
    bytes.fill(0);
    expect(tensors.a?.data).toEqual(Uint8Array.of(1, 2, 3));
    expect(tensors.a?.data.buffer.byteLength).toBe(3);
  });

  it('narrows 64-bit whole numbers where they fit, and refuses by name where not', () => {
    const file = (value: bigint): Uint8Array => {
      const data = new Uint8Array(BigInt64Array.of(-5n, value).buffer);
      return raw('{"count":{"dtype":"I64","shape":[2],"data_offsets":[0,16]}}', data);
    };
    expect(decodeSafetensors(file(7n)).tensors.count).toEqual(ndarray(Int32Array.of(-5, 7), [2]));
    expect(refusal(file(2n ** 31n))).toMatch(/count holds 2147483648, which does not fit/);
  });

  const one = (fields: string, bytes = 4): Uint8Array =>
    raw(`{"a":{${fields}}}`, new Uint8Array(bytes));
  const good = '"dtype":"F32","shape":[1],"data_offsets":[0,4]';
  it('accepts the file that the refused ones below vary', () => {
    expect(refusal(one(good))).toBe('accepted');
  });
  it.each([
    ['nothing', new Uint8Array(0), /only 0 bytes/],
    ['seven bytes', new Uint8Array(7), /only 7 bytes/],
    ['a header beyond the file', Buffer.from([9, 0, 0, 0, 0, 0, 0, 0, 0x7b]), /claims 9 bytes/],
    ['a header of 2^63 bytes', Buffer.from([0, 0, 0, 0, 0, 0, 0, 0x80, 0x7b]), /claims 9223/],
    ['no brace', raw(' {}'), /does not begin/],
    ['an array', raw('[]'), /does not begin/],
    ['cut JSON', raw('{"a":'), /JSON/],
    ['text after the header', raw('{}x'), /JSON/],
    ['bad UTF-8', Buffer.concat([raw('{}').subarray(0, 8), Buffer.from([0x7b, 0xff])]), /valid/],
    [
      'a hole in front',
      one('"dtype":"F32","shape":[1],"data_offsets":[4,8]', 8),
      /begins at byte 4/,
    ],
    ['bytes at the end', one(good, 5), /5 bytes of data instead of 4/],
    ['too few bytes', one(good, 3), /3 bytes of data instead of 4/],
    ['a wrong shape', one('"dtype":"F32","shape":[2],"data_offsets":[0,4]'), /does not fill/],
    ['a negative extent', one('"dtype":"F32","shape":[-1],"data_offsets":[0,4]'), /shape of a/],
    ['an extent of 1.5', one('"dtype":"F32","shape":[1.5],"data_offsets":[0,6]', 6), /shape of a/],
    ['an endless shape', one('"dtype":"U8","shape":[1e999],"data_offsets":[0,4]'), /shape of a/],
    [
      'an overflowing shape',
      one(`"dtype":"F64","shape":[${'9007199254740991,'.repeat(40)}0],"data_offsets":[0,0]`, 0),
      /does not fill/,
    ],
    ['offsets in reverse', one('"dtype":"F32","shape":[1],"data_offsets":[4,0]'), /does not fill/],
    ['one offset', one('"dtype":"F32","shape":[1],"data_offsets":[0]'), /data_offsets of a/],
    ['half floats', one('"dtype":"F16","shape":[2],"data_offsets":[0,4]'), /a holds F16/],
    ['an inherited dtype', one('"dtype":"toString","shape":[1],"data_offsets":[0,4]'), /toString/],
    ['an unknown field', one(`${good},"offset":0`), /unknown field offset/],
    ['no fields', raw('{"a":7}', new Uint8Array(4)), /shape of a/],
    ['a name twice', raw(`{"a":{${good}},"\\u0061":{${good}}}`, new Uint8Array(4)), /twice/],
    ['a field twice', one(`${good},"shape":[1]`), /twice/],
    ['a tensor called __proto__', raw(`{"__proto__":{${good}}}`, new Uint8Array(4)), /__proto__/],
    ['numbers as metadata', raw('{"__metadata__":{"step":3}}'), /not a map of strings/],
    [
      'overlapping tensors',
      raw(`{"a":{${good}},"b":{${good}}}`, new Uint8Array(4)),
      /begins at byte 0 of the data instead of 4/,
    ],
  ])('refuses %s with the reason', (_, bytes, reason) => {
    expect(refusal(bytes)).toMatch(reason);
  });

  it('never accepts a file cut short, wherever', () => {
    const whole = encodeSafetensors(tensorsOf(2), { step: '2' });
    for (let length = 0; length < whole.length; length++) {
      expect(refusal(whole.subarray(0, length))).not.toBe('accepted');
    }
  });

  it(`survives 500 files with flipped bits (seed ${SEED})`, () => {
    const random = seeded(SEED);
    const whole = encodeSafetensors(tensorsOf(2), { step: '2' });
    let refused = 0;
    for (let round = 0; round < 500; round++) {
      const bytes = whole.slice();
      for (let flips = random(8) + 1; flips > 0; flips--) {
        const at = random(bytes.length);
        bytes[at] = (bytes[at] ?? 0) ^ (1 << random(8));
      }
      const verdict = refusal(bytes);
      if (verdict !== 'accepted') {
        refused += 1;
        continue;
      }
      // Flips among the values, or in a name, are accepted: then the sizes hold all the same.
      for (const { shape, data } of Object.values(decodeSafetensors(bytes).tensors)) {
        expect(sizeOf(shape)).toBe(data.length);
      }
    }
    expect(refused).toBeGreaterThan(200);
  });

  it('reads files of the golden pack, or of our own where none is named', () => {
    const { root, remove } = temporaryRoot();
    const pack = process.env.PROTODIFF_GOLDEN;
    for (let i = 1; i < 4; i++) {
      writeFileSync(join(root, `${i}.safetensors`), encodeSafetensors(tensorsOf(i)));
    }
    const folder = pack ?? root;
    const files = readdirSync(folder).filter((file) => file.endsWith('.safetensors'));
    expect(files.length).toBeGreaterThan(2);
    for (const file of files) {
      const { tensors } = readSafetensors(join(folder, file));
      expect(Object.keys(tensors).length).toBeGreaterThan(0);
      const again = decodeSafetensors(readFileSync(join(folder, file)));
      expect(Object.keys(again.tensors)).toEqual(Object.keys(tensors));
    }
    expect(() => readSafetensors(join(root, 'none'))).toThrow(/is gone/);
    remove();
  });
});
