import { configFor } from '@shared/config/presets';
import type { JournalEntry } from '@shared/protocol/contract';
import { describe, expect, it } from 'vitest';
import { settingRows } from './differences';

const config = configFor('quick', { kind: 'digits' });
const entry = (value: number, seq: number): JournalEntry => ({
  seq,
  applied_at_step: 10 * seq,
  knob: 'lr',
  previous: 0,
  value,
  wall: 0,
});
const differing = (runs: Parameters<typeof settingRows>[0]) =>
  settingRows(runs)
    .filter(({ differs }) => differs)
    .map(({ name, values }) => [name, values]);

describe('settingRows', () => {
  it('finds exactly what differs, however deep', () => {
    const other = { ...config, seed: 7, model: { ...config.model, block_out_channels: [8, 16] } };
    expect(
      differing([
        { config, journal: [] },
        { config, journal: [] },
      ]),
    ).toEqual([]);
    expect(
      differing([
        { config, journal: [] },
        { config: other, journal: [] },
      ]),
    ).toEqual([
      ['seed', ['1', '7']],
      ['model.block_out_channels', ['16 × 32 × 64 × 64', '8 × 16']],
    ]);
  });

  it('counts a knob that was changed on the way, with all its values', () => {
    const journal = [entry(5e-4, 1), entry(0.002, 2)];
    expect(
      differing([
        { config, journal: [] },
        { config, journal },
      ]),
    ).toEqual([['lr', ['0.002', '0.002 → 5e-4 → 0.002']]]);
  });

  it('shows a setting that only one of them has', () => {
    const other = { ...config, sampling: { ...config.sampling, prototype: 3 } };
    const runs = [config, other].map((each) => ({ config: each, journal: [] }));
    expect(differing(runs)).toEqual([['sampling.prototype', ['–', '3']]]);
  });

  it('groups by the part of the configuration', () => {
    const groups = new Set(settingRows([{ config, journal: [] }]).map(({ group }) => group));
    expect([...groups]).toEqual([
      'run',
      'data',
      'model',
      'diffusion',
      'training',
      'knobs',
      'sampling',
    ]);
  });
});
