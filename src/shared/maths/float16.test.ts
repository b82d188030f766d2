import { describe, expect, it } from 'vitest';
import { fromFloat16, toFloat16 } from './float16';

const through = (value: number): number =>
  fromFloat16(toFloat16(Float32Array.of(value)))[0] as number;

describe('float16', () => {
  it('gives every half back as it was', () => {
    const all = Uint16Array.from({ length: 65_536 }, (_, i) => i);
    const back = toFloat16(fromFloat16(all));
    all.forEach((half, i) => {
      const isNaN = (half & 0x7c00) === 0x7c00 && (half & 0x3ff) !== 0;
      if (isNaN) expect((back[i] as number) & 0x7e00).toBe(0x7e00);
      else expect(back[i]).toBe(half);
    });
  });

  it('has the values that the standard gives', () => {
    const known: [number, number][] = [
      [0x3c00, 1],
      [0xc000, -2],
      [0x7bff, 65_504],
      [0x0001, 2 ** -24],
      [0x03ff, 1023 * 2 ** -24],
      [0x0400, 2 ** -14],
      [0x3555, 0.333251953125],
    ];
    for (const [half, value] of known) {
      expect(fromFloat16(Uint16Array.of(half))[0]).toBe(value);
      expect(toFloat16(Float32Array.of(value))[0]).toBe(half);
    }
  });

  it('rounds to the nearest, ties to even, too large to infinity', () => {
    expect(through(1 + 2 ** -11)).toBe(1); // between 1 and 1 + 2^-10
    expect(through(1 + 3 * 2 ** -11)).toBe(1 + 2 ** -9); // between odd 1 and even 2
    expect(through(2 ** -25)).toBe(0);
    expect(through(3 * 2 ** -25)).toBe(2 ** -23);
    expect(through(65_519)).toBe(65_504);
    expect(through(65_520)).toBe(Infinity);
    expect(through(-1e9)).toBe(-Infinity);
    expect(through(NaN)).toBeNaN();
    expect(Object.is(through(-0), -0)).toBe(true);
  });

  it('is off by 2^-11 of the value at most', () => {
    for (let i = 1; i < 2000; i++) {
      const value = Math.fround(Math.exp((i - 1000) / 110) * (i % 2 ? 1 : -1));
      expect(Math.abs(through(value) / value - 1)).toBeLessThanOrEqual(2 ** -11);
    }
  });
});
