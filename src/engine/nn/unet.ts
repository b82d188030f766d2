import * as tf from '@tensorflow/tfjs';
import type { Condition } from './condition';
import { crossAttention } from './cross-attention';
import { doubled } from './doubled';
import { groupNorm, silu } from './group-norm';
import { conv2d, convolve, linear, selfAttention } from './layers';
import { param } from './params';
import type { Params } from './params';
import type { ModelSpec } from './spec';

/** Sees each named intermediate, e.g. to compare it with the reference; does not own it. */
export type Watch = (name: string, value: tf.Tensor) => void;

export interface UNetInput {
  /** [B, H, W, C] */
  x_t: tf.Tensor4D;
  /** [B, block_out_channels[0]], see timeProjection */
  time_proj: tf.Tensor2D;
  condition: Condition;
}

/**
 * The reference's UNet, and its family's: predicts the noise in x_t (or v, or x_0).
 *
 * @returns [B, H, W, C]; the caller disposes it
 * @source  diffusers UNet2DModel, class_embedding included, with one cross-attention to the
 *          prototype tokens before the middle block (arXiv:2508.09922)
 */
export function unet(
  params: Params,
  spec: ModelSpec,
  input: UNetInput,
  watch: Watch = () => undefined,
): tf.Tensor4D {
  const groups = spec.norm_num_groups;
  const eps = spec.norm_eps;
  /** SiLU of the normalised x (+ shift). */
  const normed = (name: string, x: tf.Tensor4D, shift?: tf.Tensor2D): tf.Tensor4D =>
    groupNorm(params, name, x, {
      ...{ groups, eps, shift, activate: true },
      watch: (y) => watch(name, y),
    });
  const seen = <T extends tf.Tensor>(name: string, value: T): T => {
    watch(name, value);
    return value;
  };

  const time = linear(
    params,
    'unet.time_embedding.linear_2',
    silu(linear(params, 'unet.time_embedding.linear_1', input.time_proj)),
  );
  const { condition } = input;
  const embedding =
    condition.kind === 'embedding' ? tf.add<tf.Tensor2D>(time, condition.added) : time;
  watch('unet.time_proj', input.time_proj);
  watch('unet.time_embedding', embedding);
  const activated = silu(embedding);

  const resnet = (name: string, x: tf.Tensor4D): tf.Tensor4D => {
    // The convolution's bias and the time's share are one vector an image: norm2 takes them in.
    const h1 = convolve(params, `${name}.conv1`, normed(`${name}.norm1`, x));
    const shift = tf.add(
      linear(params, `${name}.time_emb_proj`, activated),
      param(params, `${name}.conv1.bias`),
    ) as tf.Tensor2D; // [B, C]
    const h = conv2d(params, `${name}.conv2`, normed(`${name}.norm2`, h1, shift));
    const shortcut = x.shape[3] === h.shape[3] ? x : conv2d(params, `${name}.conv_shortcut`, x);
    return seen(name, tf.add(shortcut, h));
  };
  const attention = (name: string, x: tf.Tensor4D): tf.Tensor4D =>
    seen(name, selfAttention(params, name, x, { groups, eps, head_dim: spec.attention_head_dim }));

  const levels = spec.block_out_channels.length;
  let h = seen('unet.conv_in', conv2d(params, 'unet.conv_in', input.x_t));
  const skips = [h];
  for (let level = 0; level < levels; level++) {
    const block = `unet.down_blocks.${level}`;
    for (let layer = 0; layer < spec.layers_per_block; layer++) {
      h = resnet(`${block}.resnets.${layer}`, h);
      if (spec.attention_levels.includes(level)) h = attention(`${block}.attentions.${layer}`, h);
      skips.push(h);
    }
    if (level < levels - 1) {
      h = seen(`${block}.downsamplers.0`, conv2d(params, `${block}.downsamplers.0.conv`, h, 2));
      skips.push(h);
    }
    watch(block, h);
  }

  if (condition.kind === 'token' || condition.kind === 'tokens') {
    h = seen('unet.after_cross_attention', crossAttention(params, h, condition, watch));
  }
  h = resnet('unet.mid_block.resnets.0', h);
  h = attention('unet.mid_block.attentions.0', h);
  h = seen('unet.mid_block', resnet('unet.mid_block.resnets.1', h));

  for (let index = 0; index < levels; index++) {
    const block = `unet.up_blocks.${index}`;
    const level = levels - 1 - index;
    for (let layer = 0; layer <= spec.layers_per_block; layer++) {
      const skip = skips.pop();
      if (skip === undefined) throw new Error('the UNet ran out of skip connections');
      h = resnet(`${block}.resnets.${layer}`, tf.concat([h, skip], 3));
      if (spec.attention_levels.includes(level)) h = attention(`${block}.attentions.${layer}`, h);
    }
    if (level > 0) {
      h = seen(`${block}.upsamplers.0`, doubled(params, `${block}.upsamplers.0.conv`, h));
    }
    watch(block, h);
  }
  return seen('eps', conv2d(params, 'unet.conv_out', normed('unet.conv_norm_out', h)));
}
