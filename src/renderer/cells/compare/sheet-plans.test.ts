import { configFor } from '@shared/config/presets';
import { describe, expect, it } from 'vitest';
import { sheetPlansAt } from './sheet-plans';

const config = configFor('quick', { kind: 'digits' });
const ids = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
const stored = (...checkpoints: number[]) => ({ config, ids, checkpoints, live: undefined });

describe('sheets of several runs', () => {
  it('have the prototypes that all runs have, the same noise and the same sampler', () => {
    const sampling = { ...config.sampling, seed: 7, steps: 11 };
    const other = {
      ...{ config: { ...config, sampling }, ids: [0, 2, 3, 11] },
      ...{ checkpoints: [9], live: undefined },
    };
    const [a, b] = sheetPlansAt([stored(10), other], 10);
    expect(a?.columns).toEqual([0, 2, 3].map((prototype) => [{ prototype, weight: 1 }]));
    expect(b).toEqual({ ...a, checkpoint: 9 });
    expect(a).toMatchObject({ seed: config.sampling.seed, steps: config.sampling.steps });
  });

  it('are of the checkpoint nearest to the step, the later of two alike near', () => {
    const at = (step: number) => sheetPlansAt([stored(100, 300, 200)], step)[0]?.checkpoint;
    expect([at(0), at(120), at(150), at(290), at(Infinity)]).toEqual([100, 100, 200, 300, 300]);
  });

  it('are of the live weights where these are nearer, and of none where there are none', () => {
    const live = { config, ids, checkpoints: [100], live: 180 };
    const at = (step: number) => sheetPlansAt([live], step)[0]?.checkpoint;
    expect([at(110), at(170), at(Infinity)]).toEqual([100, null, null]);
    expect(sheetPlansAt([stored()], 10)).toEqual([undefined]);
  });
});
