import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadBackend } from '../src/engine/backend';
import { verifyGolden } from '../src/engine/golden/verify';
import { python } from './torch';

/** What differs between packs; the rest of a pack's config.json is the same in all. */
interface Shape {
  seed: number;
  variant: 'pdm' | 'spdm';
  size: number;
  channels: number;
  widths: number[];
  groups: number;
  attention_levels: number[];
  head_dim: number;
  layers: number;
  norm_eps: number;
  k: number;
  time_embed_dim: number;
  encoder_widths: [number, number, number];
  batch: number;
  chain: { T: number; schedule: string; steps: number };
  loss: { tau: number; alpha: number; beta: number };
  optimizer: { lr: number; weight_decay: number; clip_grad_norm: number };
  images: 'all' | number;
}

const PACKS: Record<string, Shape> = {
  'grey, 24 pixels, three levels, s-PDM': {
    ...{ seed: 7, variant: 'spdm', size: 24, channels: 1, widths: [8, 24, 16], groups: 4 },
    ...{ attention_levels: [2], head_dim: 8, layers: 2, norm_eps: 1e-5 },
    ...{ k: 5, time_embed_dim: 40, encoder_widths: [4, 8, 12], batch: 3 },
    chain: { T: 300, schedule: 'linear', steps: 6 },
    loss: { tau: 0.7, alpha: 0.3, beta: 0 },
    optimizer: { lr: 2e-4, weight_decay: 0.03, clip_grad_norm: 0.5 },
    images: 'all',
  },
  'colour, 32 pixels, attention twice, K 13': {
    ...{ seed: 11, variant: 'pdm', size: 32, channels: 3, widths: [32, 32, 64, 48], groups: 16 },
    ...{ attention_levels: [1, 3], head_dim: 16, layers: 1, norm_eps: 1e-5 },
    ...{ k: 13, time_embed_dim: 48, encoder_widths: [16, 32, 24], batch: 5 },
    chain: { T: 1000, schedule: 'linear', steps: 5 },
    loss: { tau: 2, alpha: 1.5, beta: 0.25 },
    optimizer: { lr: 1e-4, weight_decay: 0.01, clip_grad_norm: 1 },
    images: 1,
  },
  'four channels, one level, cosine': {
    ...{ seed: 3, variant: 'pdm', size: 16, channels: 4, widths: [16], groups: 8 },
    ...{ attention_levels: [], head_dim: 8, layers: 1, norm_eps: 1e-6 },
    ...{ k: 2, time_embed_dim: 16, encoder_widths: [8, 8, 8], batch: 2 },
    chain: { T: 50, schedule: 'squaredcos_cap_v2', steps: 7 },
    loss: { tau: 1, alpha: 1, beta: 1 },
    optimizer: { lr: 1e-4, weight_decay: 0.01, clip_grad_norm: 1 },
    images: 'all',
  },
};

function configOf(shape: Shape): object {
  const blocks = shape.widths.map((_, i) => (shape.attention_levels.includes(i) ? 'Attn' : ''));
  return {
    seed: shape.seed,
    variant: shape.variant,
    alt_variant: shape.variant === 'pdm' ? 'spdm' : 'pdm',
    num_train_timesteps: shape.chain.T,
    ...{ beta_start: 1e-4, beta_end: 0.02, beta_schedule: shape.chain.schedule },
    batch: shape.batch,
    unet: {
      sample_size: shape.size,
      ...{ in_channels: shape.channels, out_channels: shape.channels },
      layers_per_block: shape.layers,
      block_out_channels: shape.widths,
      norm_num_groups: shape.groups,
      norm_eps: shape.norm_eps,
      attention_head_dim: shape.head_dim,
      down_block_types: blocks.map((attn) => `${attn}DownBlock2D`),
      up_block_types: [...blocks].reverse().map((attn) => `${attn}UpBlock2D`),
    },
    prototype: {
      ...shape.loss,
      k: shape.k,
      dim: shape.widths.at(-1),
      time_embed_dim: shape.time_embed_dim,
      encoder_widths: shape.encoder_widths,
    },
    ddpm_full: {
      ...{ num_train_timesteps: 12, beta_start: 1e-3, beta_end: 0.05, beta_schedule: 'linear' },
    },
    optimizer: shape.optimizer,
    intermediate_batch_index: shape.images,
    sample_steps: shape.chain.steps,
  };
}

describe('verify holds on packs that PyTorch makes', () => {
  const root = mkdtempSync(join(tmpdir(), 'protodiff-packs-'));
  afterAll(() => rmSync(root, { recursive: true, force: true }));
  beforeAll(async () => {
    await loadBackend();
  });

  it.each(Object.entries(PACKS))('%s', (name, shape) => {
    const config = join(root, 'config.json');
    const dir = join(root, String(shape.seed));
    writeFileSync(config, JSON.stringify(configOf(shape)));
    python('make_pack.py', dir, config);
    const rows = verifyGolden(dir);
    const held = rows.filter(({ ok }) => ok === true);
    console.log(`${name}: ${held.length} of ${rows.length} quantities hold`);
    expect(rows.filter(({ ok }) => ok === false)).toEqual([]);
    expect(held.length).toBeGreaterThan(90);
    // The one table and the two sets of gradients that make_pack.py does not write.
    expect(rows.filter(({ ok }) => ok === null).map(({ quantity }) => quantity)).toEqual([
      'lr_schedule',
      `gradients.${shape.variant === 'pdm' ? 'spdm' : 'pdm'}`,
    ]);
  });
});
