import type { RunConfig } from '@shared/config/run-config';
import { scheduleOf } from './diffusion/schedule';
import { geometryOf } from './training/program';

export interface Estimate {
  parameters: number;
  memory_bytes: number;
  warnings: string[];
}

/**
 * Of the peak memory of whole training processes on the CPU (bench/train.ts; estimate.test.ts has
 * the figures): feature maps and attention scores that forward and backward hold for each of a
 * layer's, copies of the state, those on the way into TensorFlow included, and TensorFlow, Node and
 * a data set before any model.
 */
const MAPS_PER_LAYER = 14;
const SCORES_PER_LAYER = 1;
const STATE_COPIES = 10;
const BASE_BYTES = 520e6;

/** Size of a model before it starts: exact parameters, memory to within a factor of 1.5. */
export function estimate(config: RunConfig): Estimate {
  const { model, data, training } = config;
  const { layout } = geometryOf(config);
  const maps = model.block_out_channels.reduce((sum, width, level) => {
    const edge = data.image_size / 2 ** level;
    return sum + (2 * model.layers_per_block + 1) * width * edge * edge;
  }, 0);
  const scores = model.attention_levels.reduce((sum, level) => {
    const n = (data.image_size / 2 ** level) ** 2;
    const heads = (model.block_out_channels[level] ?? 0) / model.attention_head_dim;
    return sum + (2 * model.layers_per_block + 1) * SCORES_PER_LAYER * heads * n * n;
  }, 0);
  const activations = 4 * training.batch_size * (maps * MAPS_PER_LAYER + scores);
  const state = 4 * layout.total * STATE_COPIES;
  return {
    parameters: layout.total,
    memory_bytes: BASE_BYTES + state + activations,
    warnings: warningsFor(config),
  };
}

function warningsFor({ model, diffusion, training }: RunConfig): string[] {
  const warnings: string[] = [];
  const level = model.block_out_channels.indexOf(model.norm_num_groups);
  if (level >= 0) {
    warnings.push(
      `Level ${level} has as many groups as channels (${model.norm_num_groups}): GroupNorm removes the time embedding there. Use fewer groups.`,
    );
  }
  if (training.warmup_steps >= training.steps) {
    warnings.push(
      `The warm-up of ${training.warmup_steps} steps does not end within ${training.steps} steps: the learning rate never reaches its value.`,
    );
  }
  if (training.loss_weighting === 'v' && model.prediction === 'eps') {
    const { alphas_cumprod } = scheduleOf(diffusion);
    const most = 1 / (alphas_cumprod.at(-1) ?? 1);
    warnings.push(
      `Errors weighted as those of v count up to ${most.toExponential(0)} times at the noisy end, for a UNet that predicts eps. Let it predict v or x_0, or choose min-SNR.`,
    );
  }
  return warnings;
}
