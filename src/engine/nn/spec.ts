import { FAMILY } from '@shared/config/family';
import type { ModelConfig, RunConfig } from '@shared/config/run-config';

/** One member of the family: all that decides its parameters' names and shapes, and its graph. */
export interface ModelSpec {
  variant: ModelConfig['variant'];
  /** What the UNet attends to where there is a bank: the image's own prototype, or all. */
  attention: ModelConfig['attention'];
  in_channels: number;
  block_out_channels: number[];
  layers_per_block: number;
  /** Levels (0 = finest) with self-attention. */
  attention_levels: number[];
  norm_num_groups: number;
  attention_head_dim: number;
  norm_eps: number;
  k: number;
  /** Width of prototypes and features; equals the last of block_out_channels. */
  dim: number;
  /** Length of the token's time encoding; its first `dim` entries are used. */
  time_embed_dim: number;
  encoder_widths: [number, number, number];
  /** How an image gets its prototype; variants that go by labels take the label instead. */
  assignment: 'nearest' | 'balanced';
  /** What the UNet puts out. */
  prediction: ModelConfig['prediction'];
  /** Whether the total takes the batch's loss weights, or the plain eps error. */
  weighted: boolean;
  /** Whether some images of a batch train without their condition. */
  dropout: boolean;
}

export function specOf(config: RunConfig): ModelSpec {
  const { model, data, training } = config;
  const dim = model.block_out_channels.at(-1) ?? 0;
  return {
    variant: model.variant,
    attention: model.attention,
    in_channels: data.channels,
    block_out_channels: model.block_out_channels,
    layers_per_block: model.layers_per_block,
    attention_levels: model.attention_levels,
    norm_num_groups: model.norm_num_groups,
    attention_head_dim: model.attention_head_dim,
    norm_eps: 1e-5,
    k: model.k,
    dim,
    time_embed_dim: dim,
    encoder_widths: model.encoder_widths,
    assignment: model.assignment,
    prediction: model.prediction,
    weighted: training.loss_weighting !== 'none',
    dropout: training.condition_dropout > 0,
  };
}

/** Has prototypes, an encoder for them and attention to them. */
export function hasBank(spec: Pick<ModelSpec, 'variant'>): boolean {
  return FAMILY[spec.variant].bank;
}

/**
 * How a parameter starts, as PyTorch starts it: `fan_in` is U(±1/sqrt(fan_in)) (the default of
 * Conv2d and Linear), `xavier` the packed in_proj, `kaiming` the bank (kaiming_uniform, a = 0.1),
 * `normal` N(0, 1), the default of Embedding.
 */
type Init = 'fan_in' | 'xavier' | 'kaiming' | 'normal' | 'ones' | 'zeros';

export interface ParameterSpec {
  /** Key in the reference's state dict. */
  name: string;
  /** Our layout: convolutions HWIO, linear weights [out, in] as in PyTorch. */
  shape: number[];
  init: Init;
  fan_in: number;
}

/** Every trainable parameter, in one fixed order: what is learned with prototypes first. */
export function parameterSpecs(spec: ModelSpec): ParameterSpec[] {
  const all: ParameterSpec[] = [];
  const add = (name: string, shape: number[], init: Init, fan_in = 1): void => {
    all.push({ name, shape, init, fan_in });
  };
  const conv = (name: string, kernel: number, from: number, to: number): void => {
    const fan_in = kernel * kernel * from;
    add(`${name}.weight`, [kernel, kernel, from, to], 'fan_in', fan_in);
    add(`${name}.bias`, [to], 'fan_in', fan_in);
  };
  const linear = (name: string, from: number, to: number): void => {
    add(`${name}.weight`, [to, from], 'fan_in', from);
    add(`${name}.bias`, [to], 'fan_in', from);
  };
  const norm = (name: string, width: number): void => {
    add(`${name}.weight`, [width], 'ones');
    add(`${name}.bias`, [width], 'zeros');
  };
  const widths = spec.block_out_channels;
  const first = widths[0] ?? 0;
  const last = widths.at(-1) ?? 0;
  const embedding = 4 * first;
  const resnet = (name: string, from: number, to: number): void => {
    norm(`${name}.norm1`, from);
    conv(`${name}.conv1`, 3, from, to);
    linear(`${name}.time_emb_proj`, embedding, to);
    norm(`${name}.norm2`, to);
    conv(`${name}.conv2`, 3, to, to);
    if (from !== to) conv(`${name}.conv_shortcut`, 1, from, to);
  };
  const attention = (name: string, width: number): void => {
    norm(`${name}.group_norm`, width);
    for (const part of ['to_q', 'to_k', 'to_v', 'to_out.0'])
      linear(`${name}.${part}`, width, width);
  };

  if (hasBank(spec)) {
    add('prototype.prototypes', [spec.k, spec.dim], 'kaiming', spec.dim);
    const [w1, w2, w3] = spec.encoder_widths;
    const encoder = 'prototype.f_phi.encoder';
    conv(`${encoder}.0`, 4, spec.in_channels, w1);
    conv(`${encoder}.2`, 4, w1, w2);
    norm(`${encoder}.3`, w2);
    conv(`${encoder}.5`, 4, w2, w3);
    norm(`${encoder}.6`, w3);
    conv(`${encoder}.8`, 4, w3, spec.dim);
  }

  conv('unet.conv_in', 3, spec.in_channels, first);
  linear('unet.time_embedding.linear_1', first, embedding);
  linear('unet.time_embedding.linear_2', embedding, embedding);
  if (spec.variant === 'class') {
    add('unet.class_embedding.weight', [spec.k, embedding], 'normal');
  }
  const skips = [first];
  let from = first;
  widths.forEach((width, level) => {
    const block = `unet.down_blocks.${level}`;
    for (let layer = 0; layer < spec.layers_per_block; layer++) {
      resnet(`${block}.resnets.${layer}`, from, width);
      if (spec.attention_levels.includes(level)) attention(`${block}.attentions.${layer}`, width);
      from = width;
      skips.push(width);
    }
    if (level < widths.length - 1) {
      conv(`${block}.downsamplers.0.conv`, 3, width, width);
      skips.push(width);
    }
  });
  resnet('unet.mid_block.resnets.0', last, last);
  attention('unet.mid_block.attentions.0', last);
  resnet('unet.mid_block.resnets.1', last, last);
  [...widths].reverse().forEach((width, index) => {
    const block = `unet.up_blocks.${index}`;
    const level = widths.length - 1 - index;
    for (let layer = 0; layer <= spec.layers_per_block; layer++) {
      resnet(`${block}.resnets.${layer}`, from + (skips.pop() ?? 0), width);
      if (spec.attention_levels.includes(level)) attention(`${block}.attentions.${layer}`, width);
      from = width;
    }
    if (level > 0) conv(`${block}.upsamplers.0.conv`, 3, width, width);
  });
  norm('unet.conv_norm_out', first);
  conv('unet.conv_out', 3, first, spec.in_channels);
  if (hasBank(spec)) {
    add('unet.bottleneck_attn.in_proj_weight', [3 * last, last], 'xavier', last);
    add('unet.bottleneck_attn.in_proj_bias', [3 * last], 'zeros');
    add('unet.bottleneck_attn.out_proj.weight', [last, last], 'fan_in', last);
    add('unet.bottleneck_attn.out_proj.bias', [last], 'zeros');
  }
  return all;
}

/** Running statistics of the encoder's two BatchNorms, mean and variance each; none without one. */
export function bufferSpecs(spec: ModelSpec): { name: string; width: number }[] {
  if (!hasBank(spec)) return [];
  const [, w2, w3] = spec.encoder_widths;
  return [
    { name: 'prototype.f_phi.encoder.3', width: w2 },
    { name: 'prototype.f_phi.encoder.6', width: w3 },
  ];
}
