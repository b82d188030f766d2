import { describe, expect, it } from 'vitest';
import { configFor } from '@shared/config/presets';
import type { Swap } from '@shared/protocol/contract-prototypes';
import type { Arrays, Executable } from '../backend/executable';
import { linearSchedule } from '../diffusion/schedule';
import { geometryOf } from './program';
import { meanChange, measureSwaps, swapImages } from './swaps';

const config = configFor('tiny', { kind: 'digits' });
const { k } = config.model;
const pixels = 256;

/** A network that answers eps = base + gain · p · t, for prototype p: the changes follow by hand. */
function network(eps: (prototype: number, x: Float32Array, t: number) => number): Executable {
  return {
    kind: 'eager',
    call(name, inputs: Arrays) {
      expect(name).toBe('eps');
      const { shares, x_t, noise } = inputs as Record<string, NonNullable<Arrays[string]>>;
      const batch = shares?.shape[0] ?? 0;
      const out = new Float32Array(batch * pixels);
      for (let i = 0; i < batch; i++) {
        const prototype = [...(shares?.data.slice(i * k, (i + 1) * k) ?? [])].indexOf(1);
        const x = x_t?.data.slice(i * pixels, (i + 1) * pixels) as Float32Array;
        out.fill(eps(prototype, x, noise?.data[i] ?? 0), i * pixels, (i + 1) * pixels);
      }
      return { eps: { dtype: 'f32', shape: [batch, 16, 16, 1], data: out } };
    },
    read: () => expect.fail('nothing is read'),
    write: () => expect.fail('nothing is written'),
    dispose: () => undefined,
  };
}

function measure(executable: Executable, batch: number): { swaps: Swap[]; calls: number } {
  const geometry = geometryOf(config);
  const { timesteps, beta_start, beta_end } = config.diffusion;
  const schedule = linearSchedule(timesteps, beta_start, beta_end);
  const images = new Float32Array(swapImages(k, 16) * pixels).fill(0.5);
  const work = measureSwaps({ config, geometry, schedule, executable }, images, batch);
  let calls = 0;
  for (;;) {
    const turn = work.next();
    if (turn.done) return { swaps: turn.value, calls };
    calls += 1;
  }
}

describe('does the prototype matter', () => {
  it('is 0 where the network ignores it, at eight even timesteps', () => {
    const { swaps, calls } = measure(
      network((_prototype, x) => x[0] ?? 0),
      16,
    );
    expect(swaps.map(({ t }) => t)).toEqual([62, 187, 312, 437, 562, 687, 812, 937]);
    for (const { change } of swaps) expect(change).toBe(0);
    expect(calls).toBe(8);
  });

  it('is the mean over ordered pairs, worked out by hand, whatever the batch', () => {
    // eps = 1, 2, 3, 4 for prototypes 0 … 3: relative changes |i - j| / i.
    const values = [1, 2, 3, 4];
    const pairs = values.flatMap((a) =>
      values.filter((b) => b !== a).map((b) => Math.abs(a - b) / a),
    );
    const expected = pairs.reduce((sum, value) => sum + value, 0) / pairs.length;
    for (const [batch, calls] of [
      [16, 8],
      [5, 32],
    ] as const) {
      const measured = measure(
        network((prototype) => prototype + 1),
        batch,
      );
      expect(measured.calls).toBe(calls);
      for (const { change } of measured.swaps) expect(change).toBeCloseTo(expected, 6);
    }
  });

  it('sees the same noised images each time', () => {
    const seen: number[][] = [[], []];
    for (const list of seen) {
      measure(
        network((_prototype, x) => (list.push(...x), 1)),
        16,
      );
    }
    expect(seen[1]).toEqual(seen[0]);
    expect(seen[0]?.length).toBe(8 * 16 * pixels);
    expect(new Set(seen[0]).size).toBeGreaterThan(8 * pixels);
  });

  it('fills the network calls', () => {
    expect(swapImages(10, 4)).toBe(2);
    expect(swapImages(10, 16)).toBe(2);
    expect(swapImages(10, 64)).toBe(8);
    expect(swapImages(2, 16)).toBe(8);
    expect(swapImages(1, 1)).toBe(16);
  });

  it('keeps images apart', () => {
    const plane = (...values: number[]): Float32Array => Float32Array.from(values);
    // Image one: lengths 5 and 5, apart by √2·5; image two: no change.
    const predicted = [plane(5, 0), plane(0, 5), plane(1, 1), plane(1, 1)];
    expect(meanChange(predicted, 2)).toBeCloseTo(Math.SQRT2 / 2, 6);
    expect(meanChange([plane(1)], 1)).toBe(0);
  });
});
