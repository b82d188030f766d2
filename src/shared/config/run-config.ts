import { z } from 'zod';
import { choicesOf, FAMILY } from './family';
import { KnobsSchema } from './knobs';

const count = z.number().int().positive();

/**
 * Settings that came later, each with the value that keeps what a file without it meant. Runs and
 * notebooks from before are read with these.
 */
export const LATER = {
  data: { shift: 0, rotate: 0, validation: 0 },
  model: { attention: 'one', precision: 'f32' },
  diffusion: {},
  training: {
    probe_every: 50,
    accumulate: 1,
    condition_dropout: 0,
    prototype_steps: 200,
    validate_every: 0,
    validate_images: 1024,
    loss_weighting: 'none',
    min_snr_gamma: 5,
    t_sampling: 'uniform',
    t_domain: 'fraction',
    t_mean: 0,
    t_std: 1,
  },
  knobs: {},
  sampling: { guidance: 1 },
} as const;

/** Where the images come from. Paths are absolute and name folders on the engine's machine. */
export const DataSourceSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('digits') }),
  z.strictObject({ kind: z.literal('emoji') }),
  z.strictObject({ kind: z.literal('folder'), path: z.string().min(1) }),
  z.strictObject({ kind: z.literal('cifar10'), path: z.string().min(1) }),
]);
export type DataSource = z.infer<typeof DataSourceSchema>;

export const DataConfigSchema = z.strictObject({
  source: DataSourceSchema,
  /** Edge in pixels after padding (digits) or resizing (folders). */
  image_size: count.max(512),
  channels: z.union([z.literal(1), z.literal(3)]),
  /** Mirror half of the images, drawn per image and step. */
  flip: z.boolean(),
  /** Move each image by up to so many pixels each way, edges repeated; drawn as flips are. */
  shift: z.number().int().min(0).max(64).default(LATER.data.shift),
  /** Turn each image by up to so many degrees each way, edges repeated; drawn as flips are. */
  rotate: z.number().min(0).max(180).default(LATER.data.rotate),
  /** Images held out of the training, of a small set a fifth at most; see splitOf. */
  validation: z.number().int().nonnegative().max(1_000_000).default(LATER.data.validation),
});

export const ModelConfigSchema = z
  .strictObject({
    /** Which member of the family: see FAMILY. */
    variant: z.enum(['pdm', 'spdm', 'protodiffusion', 'class', 'ddpm']),
    /** Channels per resolution level, finest first. */
    block_out_channels: z.array(count.max(2048)).min(1).max(8),
    layers_per_block: count.max(8),
    /** Levels (0 = finest) whose blocks carry self-attention. */
    attention_levels: z.array(z.number().int().nonnegative()),
    norm_num_groups: count,
    attention_head_dim: count,
    /** Number of prototypes; of classes where the variant goes by labels. DDPM ignores it. */
    k: count.max(4096),
    encoder_widths: z.tuple([count, count, count]),
    /**
     * nearest: the reference's argmin, under which a bank often collapses to one prototype.
     * balanced: each batch is shared out evenly. s-PDM goes by the label and ignores this.
     */
    assignment: z.enum(['nearest', 'balanced']),
    /** What the UNet puts out: eps as the reference, or v or x_0, from which eps follows. */
    prediction: z.enum(['eps', 'v', 'x_0']),
    /**
     * one: the UNet attends to the image's own prototype, as the reference. With one key the
     * softmax is 1, so this is a bias an image has at every position. all: to the whole bank,
     * each position by its own weights; then images have no prototype of their own.
     */
    attention: z.enum(['one', 'all']).default(LATER.model.attention),
    /**
     * f32: all in float32. bf16: a training step's large products in bfloat16, weights, statistics
     * and optimiser in float32; sampling and validation stay float32.
     */
    precision: z.enum(['f32', 'bf16']).default(LATER.model.precision),
  })
  .superRefine((model, context) => {
    const complain = (message: string, path: PropertyKey[]): void =>
      context.addIssue({ code: 'custom', message, path });
    model.block_out_channels.forEach((width, level) => {
      if (width % model.norm_num_groups !== 0) {
        complain(
          `width ${width} is not divisible by norm_num_groups ${model.norm_num_groups}: choose a multiple, or fewer groups`,
          ['block_out_channels', level],
        );
      }
    });
    const last = model.block_out_channels.at(-1) ?? 0;
    if (FAMILY[model.variant].bank && last % 8 !== 0) {
      complain(`the last width ${last} must be divisible by 8, the cross-attention heads`, [
        'block_out_channels',
      ]);
    }
    for (const level of model.attention_levels) {
      const width = model.block_out_channels[level];
      if (width === undefined) {
        complain(
          `there is no level ${level}, they go from 0 to ${model.block_out_channels.length - 1}: choose among them`,
          ['attention_levels'],
        );
      } else if (width % model.attention_head_dim !== 0) {
        complain(
          `width ${width} is not divisible by attention_head_dim ${model.attention_head_dim}, which attention at level ${level} needs: choose a divisor, or another level`,
          ['attention_levels'],
        );
      }
    }
    if (last % model.attention_head_dim !== 0) {
      complain(
        `the last width ${last} is not divisible by attention_head_dim ${model.attention_head_dim}, which the middle block needs`,
        ['block_out_channels'],
      );
    }
    const [first = 0] = model.block_out_channels;
    if (first % 2 !== 0) {
      complain(`the first width ${first} must be even, half sines and half cosines of the time`, [
        'block_out_channels',
        0,
      ]);
    }
  });
export type ModelConfig = z.infer<typeof ModelConfigSchema>;

export const DiffusionConfigSchema = z.strictObject({
  /** T, the length of the training chain. */
  timesteps: count.max(10_000),
  /** linear: from beta_start to beta_end. cosine: Nichol & Dhariwal's, which ignores both. */
  beta_schedule: z.enum(['linear', 'cosine']),
  beta_start: z.number().positive().max(1),
  beta_end: z.number().positive().max(1),
});
export type DiffusionConfig = z.infer<typeof DiffusionConfigSchema>;

export const TrainingConfigSchema = z.strictObject({
  batch_size: count.max(4096),
  /**
   * Batches whose gradients are averaged before each update: a step trains on batch_size times
   * this. BatchNorm of the encoder sees each batch by itself.
   */
  accumulate: count.max(1024).default(LATER.training.accumulate),
  /** Share of images that train without their condition, for classifier-free guidance. */
  condition_dropout: z.number().min(0).max(0.9).default(LATER.training.condition_dropout),
  /** ProtoDiffusion alone: first steps, which train encoder and prototypes and nothing else. */
  prototype_steps: count.default(LATER.training.prototype_steps),
  steps: count.max(100_000_000),
  warmup_steps: z.number().int().nonnegative(),
  lr_schedule: z.enum(['cosine', 'constant']),
  checkpoint_every: count,
  /** How many of the newest checkpoints stay on disk; of older ones a few do, ever wider apart. */
  keep_checkpoints: count,
  /** Steps between snapshots of the prototypes; 0 takes none. Changes no bit of the training. */
  probe_every: z.number().int().nonnegative().default(LATER.training.probe_every),
  /**
   * How an image's squared error counts in the total by its noise. none: as eps errors, the
   * reference. min_snr: at most `min_snr_gamma` on the x_0 error. v: as v errors, SNR + 1 on x_0.
   */
  loss_weighting: z.enum(['none', 'min_snr', 'v']).default(LATER.training.loss_weighting),
  min_snr_gamma: z.number().positive().max(1000).default(LATER.training.min_snr_gamma),
  /**
   * Which timesteps a batch trains on. uniform: each alike, the reference. stratified: one in
   * each of batch_size equal parts of the chain. logit_normal: by `t_mean` and `t_std`.
   */
  t_sampling: z.enum(['uniform', 'stratified', 'logit_normal']).default(LATER.training.t_sampling),
  /** What is normal under logit_normal: the logit of t / T, or log SNR, the logit of alphas_cumprod. */
  t_domain: z.enum(['fraction', 'log_snr']).default(LATER.training.t_domain),
  t_mean: z.number().min(-20).max(20).default(LATER.training.t_mean),
  t_std: z.number().positive().max(20).default(LATER.training.t_std),
  /** Steps between two measurements of the validation loss; 0 for none. */
  validate_every: z.number().int().nonnegative().default(LATER.training.validate_every),
  /** Images that a validation measures at most, each once, always the same; training waits for them. */
  validate_images: count.max(65_536).default(LATER.training.validate_images),
});

export type TrainingConfig = z.infer<typeof TrainingConfigSchema>;

/** Beyond it the two predictions' difference only overflows the image range. */
export const MAX_GUIDANCE = 20;

export const SamplingConfigSchema = z.strictObject({
  sampler: z.enum(['ddim', 'ddpm', 'dpmpp_2m', 'euler', 'heun']),
  steps: count.max(10_000),
  eta: z.number().min(0).max(1),
  count: count.max(256),
  weights: z.enum(['ema', 'raw']),
  /**
   * per_image: one prototype an image, in turn; per_step: a new one at each step, as the
   * reference does; all: each image has the whole bank, which is its mean where attention is one.
   */
  draw: z.enum(['per_image', 'per_step', 'all']),
  /** w of classifier-free guidance: eps = eps_null + w (eps_cond - eps_null); 1 is none. */
  guidance: z.number().min(0).max(MAX_GUIDANCE).default(LATER.sampling.guidance),
  /** Restricts every image to this prototype (or class). */
  prototype: z.number().int().nonnegative().optional(),
  seed: z.number().int().min(0).max(0xffffffff),
});
export type SamplingConfig = z.infer<typeof SamplingConfigSchema>;

/** Everything that defines a run; immutable once the run has started (knobs hold their start values). */
export const RunConfigSchema = z
  .strictObject({
    preset: z.string().min(1),
    seed: z.number().int().min(0).max(0xffffffff),
    data: DataConfigSchema,
    model: ModelConfigSchema,
    diffusion: DiffusionConfigSchema,
    training: TrainingConfigSchema,
    knobs: KnobsSchema,
    sampling: SamplingConfigSchema,
  })
  .superRefine((config, context) => {
    const factor = 2 ** (config.model.block_out_channels.length - 1);
    if (config.data.image_size % factor !== 0 || config.data.image_size % 16 !== 0) {
      context.addIssue({
        code: 'custom',
        path: ['data', 'image_size'],
        message: `image_size ${config.data.image_size} must be divisible by 16 (the feature encoder) and by ${factor} (the UNet's levels)`,
      });
    }
    if (config.sampling.steps > config.diffusion.timesteps) {
      context.addIssue({
        code: 'custom',
        path: ['sampling', 'steps'],
        message: `${config.sampling.steps} sampling steps exceed the ${config.diffusion.timesteps} timesteps of the chain`,
      });
    }
    const choices = choicesOf(config.model);
    if (config.sampling.prototype !== undefined && config.sampling.prototype >= choices) {
      context.addIssue({
        code: 'custom',
        path: ['sampling', 'prototype'],
        message:
          choices === 0
            ? 'this model has no prototypes or classes to choose from'
            : `there are only ${choices} prototypes, numbered from 0`,
      });
    }
    const unguided = config.sampling.guidance === 1 ? null : guidanceProblem(config);
    if (unguided !== null) {
      context.addIssue({ code: 'custom', path: ['sampling', 'guidance'], message: unguided });
    }
    const { prototype_steps, steps } = config.training;
    if (config.model.variant === 'protodiffusion' && prototype_steps >= steps) {
      context.addIssue({
        code: 'custom',
        path: ['training', 'prototype_steps'],
        message: `the prototypes take ${prototype_steps} of ${steps} steps, which leaves none for the UNet: choose fewer`,
      });
    }
  });
export type RunConfig = z.infer<typeof RunConfigSchema>;

/** Why a model cannot be sampled with guidance, or null when it can. */
export function guidanceProblem({
  model,
  training,
}: {
  model: Pick<ModelConfig, 'variant' | 'k'>;
  training: Pick<TrainingConfig, 'condition_dropout'>;
}): string | null {
  if (choicesOf(model) === 0) return 'a model without conditioning has nothing to guide: choose 1';
  return training.condition_dropout > 0
    ? null
    : 'guidance needs a model that has trained without its condition too: choose 1, or train with condition_dropout above 0';
}

/** Images that one step trains on. */
export function imagesPerStep({
  batch_size,
  accumulate,
}: Pick<TrainingConfig, 'batch_size' | 'accumulate'>): number {
  return batch_size * accumulate;
}
