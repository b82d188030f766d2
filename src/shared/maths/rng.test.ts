import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { philox, stream } from './rng';
import type { StreamName } from './rng';

const NAMES: StreamName[] = [
  'data-order',
  'flip',
  't',
  'noise',
  'draw',
  'sample-noise',
  'sample-draw',
  'init',
  'probe',
];

describe('Philox4x32-10', () => {
  // The known answers published with Random123 (kat_vectors).
  it.each([
    [[0, 0, 0, 0], [0, 0], 'the zero counter', [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]],
    [
      [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
      [0xffffffff, 0xffffffff],
      'all ones',
      [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
    ],
    [
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xa4093822, 0x299f31d0],
      'the digits of pi',
      [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
    ],
  ])('gives the published answer for %s under %s (%s)', (counter, key, _what, answer) => {
    const words = Uint32Array.from(counter);
    philox(words, key[0] as number, key[1] as number);
    expect(Array.from(words)).toEqual(answer);
  });
});

describe('stream', () => {
  it('is a function of seed, name and counter alone', () => {
    const take = (rng: ReturnType<typeof stream>): number[] =>
      Array.from({ length: 9 }, () => rng.uint32());
    fc.assert(
      fc.property(fc.nat(), fc.constantFrom(...NAMES), fc.maxSafeNat(), (seed, name, counter) => {
        expect(take(stream(seed, name, counter))).toEqual(take(stream(seed, name, counter)));
      }),
      { numRuns: 50 },
    );
  });

  // A change of these numbers breaks the exact resume of every run on disk.
  it('keeps its numbers from version to version', () => {
    const rng = stream(1, 'noise', 2);
    expect([rng.uint32(), rng.uint32()]).toEqual([2017715483, 3547200116]);
    expect(Array.from(stream(1, 'data-order', 0).permutation(8))).toEqual([7, 5, 0, 4, 2, 3, 6, 1]);
  });

  it('gives different numbers to every name, seed and neighbouring counter', () => {
    const firsts = new Set<string>();
    let made = 0;
    for (const name of NAMES) {
      for (const seed of [0, 1, 2, 0xffffffff]) {
        for (const counter of [0, 1, 2, 2 ** 32, 2 ** 53 - 1]) {
          const rng = stream(seed, name, counter);
          firsts.add(`${rng.uint32()} ${rng.uint32()}`);
          made += 1;
        }
      }
    }
    expect(firsts.size).toBe(made);
  });

  it.each([[-1], [1.5], [2 ** 32], [Number.NaN]])('refuses the seed %s', (seed) => {
    expect(() => stream(seed, 't', 0)).toThrow(RangeError);
  });

  it.each([[-1], [0.5], [2 ** 53], [Number.POSITIVE_INFINITY]])('refuses the counter %s', (n) => {
    expect(() => stream(0, 't', n)).toThrow(RangeError);
  });

  it('spreads uniforms evenly over [0, 1)', () => {
    const rng = stream(3, 't', 0);
    const bins = new Array<number>(64).fill(0);
    const n = 128_000;
    for (let i = 0; i < n; i++) {
      const u = rng.uniform();
      const bin = Math.floor(u * 64);
      bins[bin] = (bins[bin] as number) + 1; // outside [0, 1) this becomes NaN or a 65th bin
    }
    expect(bins).toHaveLength(64);
    const chi2 = bins.reduce((sum, count) => sum + (count - n / 64) ** 2 / (n / 64), 0);
    expect(chi2).toBeLessThan(103.4); // the 0.1 % point at 63 degrees of freedom
  });

  it('has no correlation between neighbouring numbers, steps and names', () => {
    const n = 50_000;
    const first = stream(7, 'noise', 10).fillNormal(new Float32Array(n));
    const step = stream(7, 'noise', 11).fillNormal(new Float32Array(n));
    const name = stream(7, 'sample-noise', 10).fillNormal(new Float32Array(n));
    const correlation = (a: Float32Array, b: Float32Array): number => {
      let sum = 0;
      for (let i = 0; i < b.length; i++) sum += (a[i] as number) * (b[i] as number);
      return sum / b.length;
    };
    const bound = 4 / Math.sqrt(n);
    expect(Math.abs(correlation(first, step))).toBeLessThan(bound);
    expect(Math.abs(correlation(first, name))).toBeLessThan(bound);
    expect(Math.abs(correlation(first, first.subarray(1)))).toBeLessThan(bound);
  });

  it('gives normals with the moments of the standard normal', () => {
    const n = 200_000;
    const values = stream(11, 'noise', 0).fillNormal(new Float32Array(n));
    const moment = (power: number): number =>
      values.reduce((sum, value) => sum + value ** power, 0) / n;
    expect(Math.abs(moment(1))).toBeLessThan(0.01);
    expect(Math.abs(moment(2) - 1)).toBeLessThan(0.015);
    expect(Math.abs(moment(3))).toBeLessThan(0.04);
    expect(Math.abs(moment(4) - 3)).toBeLessThan(0.1);
    expect(values.every(Number.isFinite)).toBe(true);
  });

  it('fills arrays of odd length with what single calls give, and goes on from there', () => {
    const filled = stream(5, 'init', 1);
    const single = stream(5, 'init', 1);
    const array = filled.fillNormal(new Float32Array(7));
    expect(Array.from(array)).toEqual(Array.from({ length: 7 }, () => single.normal()));
    expect(filled.normal()).toBe(single.normal());
  });

  it('draws every order of three items equally often', () => {
    const counts = new Map<string, number>();
    const n = 12_000;
    for (let i = 0; i < n; i++) {
      const order = stream(9, 'data-order', i).permutation(3).join('');
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).toBe(6);
    const chi2 = [...counts.values()].reduce((s, c) => s + (c - n / 6) ** 2 / (n / 6), 0);
    expect(chi2).toBeLessThan(20.5); // the 0.1 % point at 5 degrees of freedom
  });

  it('permutes: every index once, and none for n = 0', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 300 }), fc.nat(), (n, seed) => {
        const order = stream(seed, 'data-order', 0).permutation(n);
        expect(Array.from(order).sort((a, b) => a - b)).toEqual(
          Array.from({ length: n }, (_, i) => i),
        );
      }),
      { numRuns: 60 },
    );
  });

  it('draws integers below n without bias, for n that does not divide 2^32', () => {
    const n = 3 * 2 ** 30; // a plain remainder would make the first third twice as likely
    const rng = stream(2, 'draw', 0);
    let low = 0;
    for (let i = 0; i < 30_000; i++) if (rng.int(n) < 2 ** 30) low += 1;
    expect(Math.abs(low / 30_000 - 1 / 3)).toBeLessThan(0.012);
    expect(stream(2, 'draw', 0).int(1)).toBe(0);
    expect(() => rng.int(0)).toThrow(RangeError);
    expect(() => rng.int(2 ** 32 + 1)).toThrow(RangeError);
  });
});
