import { z } from 'zod';

/**
 * The JSON files of a golden pack. A pack says by itself what it is of; nothing of a known pack is
 * taken for granted. Options that this implementation has in one way only are literals, so that a
 * pack of another kind is refused by the option's name.
 */
const count = z.number().int().positive();
const figure = z.number();
const VariantSchema = z.enum(['pdm', 'spdm']);

const UnetSchema = z
  .object({
    in_channels: count,
    out_channels: count.optional(),
    layers_per_block: count,
    block_out_channels: z.array(count).min(1),
    norm_num_groups: count.default(32),
    down_block_types: z.array(z.enum(['DownBlock2D', 'AttnDownBlock2D'])),
    up_block_types: z.array(z.enum(['UpBlock2D', 'AttnUpBlock2D'])).optional(),
    attention_head_dim: count.default(8),
    norm_eps: figure.default(1e-5),
    time_embedding_type: z.literal('positional').optional(),
    freq_shift: z.literal(0).optional(),
    flip_sin_to_cos: z.literal(true).optional(),
    mid_block_type: z.literal('UNetMidBlock2D').optional(),
    mid_block_scale_factor: z.literal(1).optional(),
    downsample_padding: z.literal(1).optional(),
    downsample_type: z.literal('conv').optional(),
    upsample_type: z.literal('conv').optional(),
    dropout: z.literal(0).optional(),
    act_fn: z.enum(['silu', 'swish']).optional(),
    resnet_time_scale_shift: z.literal('default').optional(),
    add_attention: z.literal(true).optional(),
    center_input_sample: z.literal(false).optional(),
    attn_norm_num_groups: count.nullish(),
  })
  .superRefine((unet, context) => {
    const complain = (path: string, message: string): void =>
      context.addIssue({ code: 'custom', path: [path], message });
    const { block_out_channels: widths, norm_num_groups: groups } = unet;
    if (unet.down_block_types.length !== widths.length) {
      complain('down_block_types', 'needs one block for each of block_out_channels');
    }
    for (const width of widths) {
      if (width % groups !== 0) {
        complain('block_out_channels', `${width} is not divisible by norm_num_groups ${groups}`);
      }
    }
    const attends = (kind: string): boolean => kind.startsWith('Attn');
    const down = unet.down_block_types.map(attends).reverse();
    if (unet.up_block_types && unet.up_block_types.map(attends).join() !== down.join()) {
      complain('up_block_types', 'must attend at the same levels as down_block_types');
    }
    if (unet.out_channels !== undefined && unet.out_channels !== unet.in_channels) {
      complain('out_channels', 'must be in_channels');
    }
    if (unet.attn_norm_num_groups && unet.attn_norm_num_groups !== groups) {
      complain('attn_norm_num_groups', 'must be norm_num_groups');
    }
  });

/** How betas are made; the two names that diffusers gives to what we have. */
const ChainSchema = z.object({
  num_train_timesteps: count,
  beta_start: figure,
  beta_end: figure,
  beta_schedule: z.enum(['linear', 'squaredcos_cap_v2']).default('linear'),
});
export type Chain = z.infer<typeof ChainSchema>;

export const PackConfigSchema = ChainSchema.extend({
  pack: z.string().optional(),
  variant: VariantSchema,
  alt_variant: VariantSchema.nullish(),
  unet: UnetSchema,
  prototype: z.object({
    k: count,
    tau: figure.default(1),
    alpha: figure.default(1),
    beta: figure.nullish().transform((value) => value ?? 0),
    dim: count,
    time_embed_dim: count,
    encoder_widths: z.tuple([count, count, count]),
  }),
  ddpm_full: ChainSchema.nullish(),
  optimizer: z
    .object({
      lr: figure,
      weight_decay: figure,
      clip_grad_norm: figure,
      betas: z.tuple([z.literal(0.9), z.literal(0.999)]).optional(),
      eps: z.literal(1e-8).optional(),
      amsgrad: z.literal(false).optional(),
      maximize: z.literal(false).optional(),
      clip_eps: z.literal(1e-6).optional(),
    })
    .nullish(),
  attention: z.object({ cross_attention_heads: z.literal(8).optional() }).nullish(),
  /** Which images of the batch the intermediates of a forward pass were stored of. */
  intermediate_batch_index: z
    .union([z.literal('all'), z.number().int(), z.array(z.number().int())])
    .default('all'),
}).superRefine(({ unet, prototype }, context) => {
  const last = unet.block_out_channels.at(-1);
  if (prototype.dim !== last) {
    context.addIssue({
      code: 'custom',
      path: ['prototype', 'dim'],
      message: `${prototype.dim} must be the last of block_out_channels, ${last}`,
    });
  }
});
export type PackConfig = z.infer<typeof PackConfigSchema>;

const TermsSchema = z.object({
  variant: VariantSchema,
  diffusion: figure.nullish(),
  contrastive: figure.nullish(),
  align: figure.nullish(),
  compact: figure.nullish(),
  prototype: figure.nullish(),
  total: figure.nullish(),
  grad_total_norm: figure.nullish(),
  grad_stats: z.record(z.string(), z.object({ l2: figure, max: figure })).nullish(),
});
export type Terms = z.infer<typeof TermsSchema>;
export type Loss = Terms & { alt?: Terms | null | undefined };

const StepsSchema = z.object({
  variant: VariantSchema.optional(),
  steps: z.array(
    z.object({
      lr: figure,
      diffusion: figure.nullish(),
      prototype: figure.nullish(),
      total: figure.nullish(),
      grad_total_norm: figure.nullish(),
    }),
  ),
  warmup_steps: z.number().int().nonnegative().optional(),
  training_steps: count.optional(),
  /** Euclidean norms of parameters after the last step. */
  after5_l2: z.record(z.string(), figure).optional(),
});
export type Steps = z.infer<typeof StepsSchema>;

const LrTableSchema = z.object({
  base_lr: figure,
  warmup_steps: z.number().int().nonnegative(),
  training_steps: count,
  step: z.array(z.number().int().nonnegative()),
  lr: z.array(figure),
});
export type Step = Steps & {
  alt?: Steps | null | undefined;
  scheduled?: Steps | null | undefined;
  lr_schedule?: Record<string, z.infer<typeof LrTableSchema>> | null | undefined;
};

const SamplerSchema = z.object({
  scheduler: z.string(),
  config: ChainSchema.extend({
    clip_sample: z.boolean().default(false),
    timestep_spacing: z.string().optional(),
    prediction_type: z.string().optional(),
    steps_offset: z.number().optional(),
    variance_type: z.string().nullish(),
    set_alpha_to_one: z.boolean().optional(),
    thresholding: z.boolean().optional(),
    rescale_betas_zero_snr: z.boolean().optional(),
    clip_sample_range: figure.optional(),
    algorithm_type: z.string().optional(),
    solver_order: z.number().optional(),
    solver_type: z.string().optional(),
    final_sigmas_type: z.string().optional(),
    use_karras_sigmas: z.boolean().optional(),
    euler_at_final: z.boolean().optional(),
  }),
  num_inference_steps: count,
  timesteps: z.array(z.number()).optional(),
  eta: figure.optional(),
});
export type Sampler = z.infer<typeof SamplerSchema>;
export type Chains = Record<string, Sampler>;

export const FILES = {
  keys: z.array(z.object({ key: z.string(), grad: z.string().nullish() })),
  loss: TermsSchema.extend({ alt: TermsSchema.nullish() }),
  step: StepsSchema.extend({
    alt: StepsSchema.nullish(),
    scheduled: StepsSchema.nullish(),
    lr_schedule: z.record(z.string(), LrTableSchema).nullish(),
  }),
  chains: z.record(z.string(), SamplerSchema),
};

/** Why a file could not be read or parsed, in a few words. */
export function prettified(cause: unknown): string {
  if (cause instanceof z.ZodError) return z.prettifyError(cause);
  return cause instanceof Error ? cause.message : String(cause);
}
