import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AppError } from '../errors';
import { ndarray } from '../maths/ndarray';
import type { NdArray } from '../maths/ndarray';
import { KINDS, PREFIX_BYTES, WINDOW_LIMITS, decodeFrame, encodeFrame, peekFrame } from './frame';
import type { Frame } from './frame';

const SEED = Number(process.env.SEED ?? 20_250_101);

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (thrown) {
    if (thrown instanceof AppError) return thrown.code;
    throw thrown;
  }
  return 'accepted';
}

/** A frame whose header is written by hand. */
function raw(header: string | Uint8Array, tail = new Uint8Array()): Uint8Array {
  const json = typeof header === 'string' ? new TextEncoder().encode(header) : header;
  const start = Math.ceil((PREFIX_BYTES + json.length) / 8) * 8;
  const bytes = new Uint8Array(start + tail.length);
  bytes.set([1, 0], 0);
  const view = new DataView(bytes.buffer);
  view.setUint32(4, 7, true);
  view.setUint32(12, json.length, true);
  bytes.set(json, PREFIX_BYTES);
  bytes.set(tail, start);
  return bytes;
}

const tensor = (fields: object): string =>
  JSON.stringify({
    body: {},
    tensors: [{ name: 'x', dtype: 'f32', shape: [2], at: 0, bytes: 8, ...fields }],
  });

const arrays: fc.Arbitrary<NdArray> = fc.oneof(
  fc.float32Array().map((data) => ndarray(data, [data.length])),
  fc.float64Array().map((data) => ndarray(data, [1, data.length])),
  fc.int32Array().map((data) => ndarray(data, [data.length, 1])),
  fc.uint8Array().map((data) => ndarray(data, [data.length])),
);
const key = fc.string().filter((text) => text !== '__proto__' && text !== 'constructor');
const json = fc
  .jsonValue({ maxDepth: 4 })
  .filter((v) => !/__proto__|constructor/.test(JSON.stringify(v)));
const frames: fc.Arbitrary<Frame> = fc.record(
  {
    kind: fc.constantFrom(...KINDS),
    stream: fc.nat(0xffffffff),
    seq: fc.nat(0xffffffff),
    name: fc.string(),
    body: fc.dictionary(key, fc.oneof(json, arrays), { noNullPrototype: true }),
  },
  { requiredKeys: ['kind', 'stream', 'seq', 'body'] },
);

/** What JSON makes of a value: -0 becomes 0. */
const asJson = (value: unknown): unknown =>
  ArrayBuffer.isView((value as NdArray | null)?.data) ? value : JSON.parse(JSON.stringify(value));

describe('a frame', () => {
  it('comes back as it was, from any offset of a larger buffer', () => {
    fc.assert(
      fc.property(frames, fc.nat(15), (frame, offset) => {
        const bytes = encodeFrame(frame);
        const pool = new Uint8Array(bytes.length + offset + 5);
        pool.set(bytes, offset);
        const back = decodeFrame(pool.subarray(offset, offset + bytes.length), WINDOW_LIMITS);
        const body = Object.fromEntries(Object.entries(frame.body).map(([k, v]) => [k, asJson(v)]));
        expect(back).toEqual({ ...frame, body });
        expect(bytes.length % 8).toBe(0);
      }),
      { seed: SEED },
    );
  });

  it('lays arrays over its bytes when they are aligned, and copies them when not', () => {
    const bytes = encodeFrame({
      kind: 'event',
      stream: 1,
      seq: 0,
      body: { x: ndarray(new Float64Array([1, Number.NaN, -0]), [3]) },
    });
    const x = decodeFrame(bytes).body.x as NdArray;
    expect(x.data.buffer).toBe(bytes.buffer);
    expect(Array.from(x.data)).toEqual([1, Number.NaN, -0]);
    const odd = new Uint8Array(bytes.length + 3);
    odd.set(bytes, 3);
    const copy = decodeFrame(odd.subarray(3)).body.x as NdArray;
    expect(copy.data.buffer).not.toBe(odd.buffer);
    expect(Array.from(copy.data)).toEqual([1, Number.NaN, -0]);
  });

  it('takes only the view of an array that is part of a larger buffer', () => {
    const part = new Float32Array([9, 1, 2, 9]).subarray(1, 3);
    const bytes = encodeFrame({
      kind: 'event',
      stream: 1,
      seq: 0,
      body: { x: ndarray(part, [2]) },
    });
    expect(decodeFrame(bytes).body.x).toEqual(ndarray(new Float32Array([1, 2]), [2]));
  });

  it('carries long texts beside the header', () => {
    const text = 'é"\n'.repeat(600_000);
    const frame: Frame = { kind: 'request', stream: 1, seq: 0, name: 'w', body: { json: text } };
    expect(decodeFrame(encodeFrame(frame))).toEqual(frame);
  });

  it('turns numbers that JSON lacks into null', () => {
    const body = { a: Number.NaN, b: [Number.POSITIVE_INFINITY] };
    const back = decodeFrame(encodeFrame({ kind: 'event', stream: 1, seq: 0, body })).body;
    expect(back).toEqual({ a: null, b: [null] });
  });

  it('refuses to be written with an array below the top level, a false shape, or a cycle', () => {
    const write = (body: Frame['body']) => () =>
      encodeFrame({ kind: 'event', stream: 1, seq: 0, body });
    const x = ndarray(new Float32Array(2), [2]);
    const cycle: Record<string, unknown> = {};
    cycle.self = cycle;
    expect(codeOf(write({ deep: { x } }))).toBe('internal');
    expect(codeOf(write({ x: { ...x, shape: [3] } }))).toBe('internal');
    expect(codeOf(write(cycle))).toBe('internal');
  });
});

describe('a malformed frame is refused', () => {
  const good = encodeFrame({ kind: 'request', stream: 7, seq: 0, name: 'a', body: { n: 1 } });
  const patched = (at: number, value: number): Uint8Array => {
    const bytes = good.slice();
    bytes[at] = value;
    return bytes;
  };
  const deep = (depth: number) => `{"body":{"a":${'['.repeat(depth)}${']'.repeat(depth)}}}`;

  it.each<[string, Uint8Array]>([
    ['empty', new Uint8Array()],
    ['shorter than its prefix', good.subarray(0, 15)],
    ['wrong version', patched(0, 2)],
    ['unknown kind', patched(1, KINDS.length)],
    ['flags', patched(2, 1)],
    ['header beyond the frame', patched(13, 200)],
    ['header beyond the limit', patched(15, 255)],
    ['cut header', good.subarray(0, 24)],
    ['left-over bytes', new Uint8Array([...good, 0, 0, 0, 0, 0, 0, 0, 0])],
    ['no JSON', raw('{"body":')],
    ['no UTF-8', raw(new Uint8Array([0x7b, 0xff, 0xfe, 0x7d]))],
    ['a list for a header', raw('[]')],
    ['no body', raw('{}')],
    ['a list for a body', raw('{"body":[]}')],
    ['a number for a name', raw('{"name":1,"body":{}}')],
    ['unknown header field', raw('{"body":{},"more":1}')],
    ['__proto__', raw('{"body":{"a":{"__proto__":{"x":1}}}}')],
    ['constructor', raw('{"body":{"constructor":1}}')],
    ['1e999', raw('{"body":{"a":1e999}}')],
    ['deep', raw(deep(40))],
    ['very deep', raw(deep(100_000))],
    ['tensors no list', raw('{"body":{},"tensors":{}}')],
    ['tensor entry no object', raw('{"body":{},"tensors":[1]}')],
    ['tensor without bytes', raw(tensor({}))],
    ['shape and bytes differ', raw(tensor({ shape: [3] }), new Uint8Array(8))],
    ['negative shape', raw(tensor({ shape: [-2, -1] }), new Uint8Array(8))],
    ['shape of 2^64', raw(tensor({ shape: [2 ** 32, 2 ** 32] }), new Uint8Array(8))],
    ['rank 9', raw(tensor({ shape: [2, 1, 1, 1, 1, 1, 1, 1, 1] }), new Uint8Array(8))],
    ['unknown dtype', raw(tensor({ dtype: 'toString' }), new Uint8Array(8))],
    ['unaligned place', raw(tensor({ at: 4 }), new Uint8Array(16))],
    ['gap', raw(tensor({ at: 8 }), new Uint8Array(16))],
    ['forbidden tensor name', raw(tensor({ name: '__proto__' }), new Uint8Array(8))],
    [
      'text that is no UTF-8',
      raw(tensor({ dtype: 'utf8', shape: [8] }), new Uint8Array(8).fill(255)),
    ],
    [
      'overlap',
      raw(
        JSON.stringify({
          body: {},
          tensors: [
            { name: 'x', dtype: 'f32', shape: [2], at: 0, bytes: 8 },
            { name: 'y', dtype: 'f32', shape: [2], at: 0, bytes: 8 },
          ],
        }),
        new Uint8Array(8),
      ),
    ],
    [
      'name taken twice',
      raw('{"body":{"x":1},"tensors":[{"name":"x","dtype":"u8","shape":[0],"at":0,"bytes":0}]}'),
    ],
    ['too large', new Uint8Array(9 * 1024 * 1024)],
  ])('%s', (_name, bytes) => {
    expect(codeOf(() => decodeFrame(bytes))).toBe('bad_message');
  });

  it('but a field of our own called prototype is welcome', () => {
    expect(decodeFrame(raw('{"body":{"prototype":3}}')).body).toEqual({ prototype: 3 });
  });

  it('and still tells its stream where the prefix can be read', () => {
    expect(peekFrame(raw('nonsense'))).toEqual({ kind: 'request', stream: 7, seq: 0 });
    expect(peekFrame(patched(0, 9))).toBeUndefined();
    expect(peekFrame(good.subarray(0, 10))).toBeUndefined();
  });
});

it(`mutated frames are accepted or refused as bad_message, never anything else (SEED=${SEED})`, () => {
  const mutation = fc.tuple(
    frames,
    fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 8 }),
    fc.option(fc.nat()),
  );
  fc.assert(
    fc.property(mutation, ([frame, flips, cut]) => {
      const whole = encodeFrame(frame);
      const bytes = cut === null ? whole : whole.slice(0, cut % (whole.length + 1));
      for (const [at, value] of flips) if (bytes.length > 0) bytes[at % bytes.length] = value;
      expect(['accepted', 'bad_message']).toContain(codeOf(() => decodeFrame(bytes)));
    }),
    { seed: SEED, numRuns: 3000 },
  );
});
