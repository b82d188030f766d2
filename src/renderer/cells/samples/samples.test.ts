import type { SampleSettings } from '@shared/protocol/contract';
import { describe, expect, it } from 'vitest';
import { sheetName } from './export-sheet';
import { settingsLine } from './settings-line';

const settings: SampleSettings = {
  run: '20260101-101010-brisk-heron',
  step: 1200,
  prototypes: [0, 1],
  seconds: 3,
  sampler: 'ddim',
  steps: 25,
  eta: 0,
  count: 2,
  weights: 'ema',
  draw: 'per_image',
  guidance: 1,
  seed: 42,
};

describe('samples', () => {
  it('say how they were made', () => {
    expect(settingsLine(settings)).toBe(
      'step 1,200, DDIM 25 steps, EMA weights, a prototype per image, seed 42',
    );
    expect(settingsLine({ ...settings, eta: 0.5, weights: 'raw', draw: 'per_step' })).toBe(
      'step 1,200, DDIM 25 steps, η 0.5, raw weights, a prototype per step, seed 42',
    );
  });

  it('are named by run, step and seed', () => {
    expect(sheetName(settings)).toBe('20260101-101010-brisk-heron_step_00001200_seed_42.png');
  });
});
