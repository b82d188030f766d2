import { describe, expect, it } from 'vitest';
import { configFor, PRESET_NAMES, PRESETS } from '@shared/config/presets';
import type { PresetName } from '@shared/config/presets';
import { RunConfigSchema } from '@shared/config/run-config';
import { estimate } from './estimate';

const withBatch = (preset: PresetName, batch_size: number): (typeof PRESETS)[PresetName] => {
  const config = configFor(preset, PRESETS[preset].data.source);
  return { ...config, training: { ...config.training, batch_size } };
};

describe('the estimate of a model', () => {
  // Peak resident memory of `npm run -s bench -- train --config NAME --batch N`, TensorFlow 2.21, CPU.
  it.each([
    ['quick', 32, 782],
    ['quick', 64, 940],
    ['tiny', 8, 498],
    ['cifar10', 8, 2886],
  ] as const)(
    'of %s in batches of %i is within 1.5 of the measured %i MiB',
    (preset, batch, mib) => {
      const ratio = estimate(withBatch(preset, batch)).memory_bytes / (mib * 2 ** 20);
      expect(ratio).toBeGreaterThan(1 / 1.5);
      expect(ratio).toBeLessThan(1.5);
    },
  );

  it('counts the parameters that its variant has', () => {
    const [pdm, spdm, classes, ddpm] = (
      ['quick', 'quick-spdm', 'quick-class', 'quick-ddpm'] as const
    ).map((name) => estimate(PRESETS[name]).parameters);
    expect(spdm).toBe(pdm);
    expect(ddpm).toBeLessThan(pdm ?? 0);
    expect((classes ?? 0) - (ddpm ?? 0)).toBe(10 * 4 * 16);
  });

  it('warns of groups as many as channels, and of v errors on eps', () => {
    const { model, training } = PRESETS.quick;
    const warnings = estimate({
      ...PRESETS.quick,
      model: { ...model, norm_num_groups: 16, prediction: 'eps' },
      training: { ...training, loss_weighting: 'v' },
    }).warnings;
    expect(warnings.join()).toMatch(/Level 0 has as many groups as channels \(16\)/);
    expect(warnings.join()).toMatch(/weighted as those of v/);
    expect(estimate(PRESETS.quick).warnings).toEqual([]);
  });
});

describe('presets', () => {
  it.each(PRESET_NAMES)('%s is one that a run takes', (name) => {
    expect(RunConfigSchema.safeParse(PRESETS[name]).error).toBeUndefined();
    expect(PRESETS[name].preset).toBe(name);
  });

  it.each([
    [{ norm_num_groups: 7 }, /not divisible by norm_num_groups 7/],
    [{ block_out_channels: [16, 36], attention_levels: [] }, /.*divisible/],
    [{ attention_levels: [9] }, /there is no level 9/],
  ])('%o is refused by name', (model, words) => {
    const parsed = RunConfigSchema.safeParse({
      ...PRESETS.quick,
      model: { ...PRESETS.quick.model, ...model },
    });
    expect(parsed.error?.issues.map(({ message }) => message).join()).toMatch(words);
  });

  it('guidance without dropout, and ProtoDiffusion without steps for its UNet, are refused', () => {
    const { sampling, training, model } = PRESETS.quick;
    const said = (change: object): string =>
      (RunConfigSchema.safeParse({ ...PRESETS.quick, ...change }).error?.issues ?? [])
        .map(({ path, message }) => `${path.join('.')}: ${message}`)
        .join();
    expect(said({ sampling: { ...sampling, guidance: 3 } })).toMatch(
      /guidance: .*condition_dropout/,
    );
    expect(
      said({
        sampling: { ...sampling, guidance: 3 },
        training: { ...training, condition_dropout: 0.1 },
      }),
    ).toBe('');
    expect(
      said({
        model: { ...model, variant: 'protodiffusion' },
        training: { ...training, prototype_steps: training.steps },
      }),
    ).toMatch(/prototype_steps: .*choose fewer/);
  });
});
