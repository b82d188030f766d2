import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { AppError } from '@shared/errors';
import type { NdArray } from '@shared/maths/ndarray';
import { readSafetensors } from '../../store/safetensors';
import type { ModelSpec } from '../nn/spec';

const int = z.number().int();
const PackConfig = z.object({
  pack: z.string(),
  variant: z.enum(['pdm', 'spdm']),
  alt_variant: z.enum(['pdm', 'spdm']),
  num_train_timesteps: int,
  beta_start: z.number(),
  beta_end: z.number(),
  beta_schedule: z.literal('linear'),
  unet: z.object({
    in_channels: int,
    layers_per_block: int,
    block_out_channels: z.array(int).min(1),
    norm_num_groups: int,
    down_block_types: z.array(z.enum(['DownBlock2D', 'AttnDownBlock2D'])),
    attention_head_dim: int,
    norm_eps: z.number(),
  }),
  prototype: z.object({
    k: int,
    tau: z.number(),
    alpha: z.number(),
    beta: z.number(),
    dim: int,
    time_embed_dim: int,
    encoder_widths: z.tuple([int, int, int]),
  }),
  ddpm_full: z.object({ num_train_timesteps: int, beta_start: z.number(), beta_end: z.number() }),
  optimizer: z.object({ lr: z.number(), weight_decay: z.number(), clip_grad_norm: z.number() }),
});
export type PackConfig = z.infer<typeof PackConfig>;

const Terms = z.object({
  variant: z.enum(['pdm', 'spdm']),
  diffusion: z.number(),
  contrastive: z.number(),
  align: z.number(),
  compact: z.number(),
  total: z.number(),
  grad_total_norm: z.number(),
});
const LossFile = Terms.extend({ alt: Terms });
const Step = z.object({
  lr: z.number(),
  diffusion: z.number(),
  total: z.number(),
  grad_total_norm: z.number(),
});
const StepFile = z.object({ steps: z.array(Step) });
const KeysFile = z.array(z.object({ key: z.string(), grad: z.string().nullish() }));

export type Arrays = Record<string, NdArray>;

/** Tensors and figures of the reference, read from a folder and checked. */
export interface Pack {
  config: PackConfig;
  spec: ModelSpec;
  loss: z.infer<typeof LossFile>;
  step: z.infer<typeof StepFile>;
  /** Parameters whose exact gradient is 0, so that AdamW moves them by round-off alone. */
  roundoffOnly: Set<string>;
  /** A tensor file of the pack, or null where the pack does not hold it. */
  tensors(name: string): Arrays | null;
}

/** @throws AppError bad_data naming the file that is missing or not of this form */
export function openPack(dir: string): Pack {
  const config = parseJson(dir, 'config.json', PackConfig);
  const { unet, prototype } = config;
  return {
    config,
    spec: {
      variant: config.variant,
      attention: 'one',
      in_channels: unet.in_channels,
      block_out_channels: unet.block_out_channels,
      layers_per_block: unet.layers_per_block,
      attention_levels: unet.down_block_types.flatMap((kind, level) =>
        kind === 'AttnDownBlock2D' ? [level] : [],
      ),
      norm_num_groups: unet.norm_num_groups,
      attention_head_dim: unet.attention_head_dim,
      norm_eps: unet.norm_eps,
      k: prototype.k,
      dim: prototype.dim,
      time_embed_dim: prototype.time_embed_dim,
      encoder_widths: prototype.encoder_widths,
      assignment: 'nearest',
      prediction: 'eps',
      weighted: false,
      dropout: false,
    },
    loss: parseJson(dir, 'loss.json', LossFile),
    step: parseJson(dir, 'step.json', StepFile),
    roundoffOnly: new Set(
      parseJson(dir, 'keys.json', KeysFile)
        .filter((entry) => entry.grad === 'roundoff_only')
        .map((entry) => entry.key),
    ),
    tensors(name) {
      try {
        return readSafetensors(join(dir, `${name}.safetensors`)).tensors;
      } catch (cause) {
        if (isMissing(cause)) return null;
        throw cause;
      }
    },
  };
}

/** Not there, whether the file system said so or the reader on its behalf. */
function isMissing(error: unknown): boolean {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    if ((at as NodeJS.ErrnoException).code === 'ENOENT') return true;
  }
  return false;
}

function parseJson<T>(dir: string, file: string, schema: z.ZodType<T>): T {
  const path = join(dir, file);
  try {
    return schema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (cause) {
    const why =
      cause instanceof z.ZodError
        ? z.prettifyError(cause)
        : cause instanceof Error
          ? cause.message
          : String(cause);
    throw new AppError('bad_data', `The golden pack's ${file} cannot be used: ${why}`, {
      remedy:
        'Name a folder that holds config.json, loss.json, keys.json and the .safetensors files.',
      cause,
    });
  }
}
