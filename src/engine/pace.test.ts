import { PRESETS } from '@shared/config/presets';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadBackend } from './backend';
import { Pace, workOf } from './pace';

const total = (preset: keyof typeof PRESETS): number =>
  workOf(PRESETS[preset]).reduce((sum, { multiplications }) => sum + multiplications, 0);

describe('the work of a forward pass', () => {
  it('is put at the level where it is done', () => {
    const [first, second] = workOf({
      ...PRESETS['quick-ddpm'],
      data: { ...PRESETS['quick-ddpm'].data, image_size: 16 },
      model: {
        ...PRESETS['quick-ddpm'].model,
        ...{ block_out_channels: [8, 16], layers_per_block: 1, attention_levels: [] },
      },
    });
    const at = (edge: number, kernel: number, from: number, to: number): number =>
      edge * edge * kernel * kernel * from * to;
    const level0 =
      at(16, 3, 1, 8) + // conv_in
      2 * at(16, 3, 8, 8) + // down
      (at(16, 3, 16 + 8, 8) + at(16, 3, 8, 8) + at(16, 1, 16 + 8, 8)) + // up, first
      (at(16, 3, 8 + 8, 8) + at(16, 3, 8, 8) + at(16, 1, 8 + 8, 8)) + // up, second
      at(16, 2, 16, 16) + // upsampler, one transposed convolution with the enlargement
      at(16, 3, 8, 1); // conv_out
    expect(first).toEqual({ edge: 16, width: 8, multiplications: level0 });
    expect(second?.edge).toBe(8);
    // The middle block has attention in every model.
    expect((second?.multiplications ?? 0) - 8 * 2 * 8 ** 4 * 16).toBe(
      at(8, 3, 8, 8) + // downsampler
        (at(8, 3, 8, 16) + at(8, 3, 16, 16) + at(8, 1, 8, 16)) + // down
        4 * at(8, 3, 16, 16) + // middle
        (at(8, 3, 32, 16) + at(8, 3, 16, 16) + at(8, 1, 32, 16)) + // up, first
        (at(8, 3, 24, 16) + at(8, 3, 16, 16) + at(8, 1, 24, 16)), // up, second
    );
  });

  it('grows with the model', () => {
    expect(total('tiny')).toBeLessThan(total('quick'));
    expect(total('quick-ddpm')).toBeLessThan(total('quick'));
    expect(total('quick')).toBeLessThan(total('cifar10') / 20);
    expect(total('cifar10')).toBeLessThan(total('eurosat') / 3);
  });
});

describe('Pace', () => {
  beforeAll(async () => void (await loadBackend()));

  it('times each size once, and goes with the batch', () => {
    const pace = new Pace();
    const of = (batch_size: number): number =>
      pace.stepSeconds({
        ...PRESETS.tiny,
        training: { ...PRESETS.tiny.training, batch_size },
      });
    const [one, two, four] = [of(8), of(16), of(32)];
    expect(one).toBeGreaterThan(0);
    expect(four - two).toBeCloseTo(2 * (two - one), 9);
  });
});
