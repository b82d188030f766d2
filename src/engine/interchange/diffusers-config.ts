import { attendsToAll } from '@shared/config/family';
import type { RunConfig } from '@shared/config/run-config';
import { hasBank, specOf } from '../nn/spec';

/** diffusers' names of the two schedules. */
const BETA_SCHEDULES = { linear: 'linear', cosine: 'squaredcos_cap_v2' } as const;

/** What `resources/diffusers/protodiff_model.py` builds a model from: the export's config.json. */
export function diffusersConfig(
  config: RunConfig,
  of: { run: string; step: number },
): Record<string, unknown> {
  const { model, diffusion, sampling, data } = config;
  const spec = specOf(config);
  const blocks = spec.block_out_channels.map((_, level) =>
    spec.attention_levels.includes(level) ? 'Attn' : '',
  );
  const { sampler, steps, eta, guidance } = sampling;
  return {
    format: 'protodiff',
    version: 1,
    ...of,
    variant: spec.variant,
    attention: attendsToAll(model) ? 'all' : 'one',
    prediction: spec.prediction,
    unet: {
      sample_size: data.image_size,
      in_channels: spec.in_channels,
      out_channels: spec.in_channels,
      layers_per_block: spec.layers_per_block,
      block_out_channels: spec.block_out_channels,
      down_block_types: blocks.map((attn) => `${attn}DownBlock2D`),
      up_block_types: [...blocks].reverse().map((attn) => `${attn}UpBlock2D`),
      norm_num_groups: spec.norm_num_groups,
      norm_eps: spec.norm_eps,
      attention_head_dim: spec.attention_head_dim,
      ...(spec.variant === 'class' && { num_class_embeds: spec.k }),
    },
    prototype: hasBank(spec)
      ? {
          k: spec.k,
          dim: spec.dim,
          time_embed_dim: spec.time_embed_dim,
          encoder_widths: spec.encoder_widths,
        }
      : null,
    scheduler: {
      num_train_timesteps: diffusion.timesteps,
      beta_schedule: BETA_SCHEDULES[diffusion.beta_schedule],
      beta_start: diffusion.beta_start,
      beta_end: diffusion.beta_end,
    },
    // The module has the two samplers of the reference; for the others DDIM is next.
    sampling: { sampler: sampler === 'ddpm' ? 'ddpm' : 'ddim', steps, eta, guidance },
  };
}
