import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { z } from 'zod';
import { AppError } from '@shared/errors';
import type { NdArray } from '@shared/maths/ndarray';
import { readSafetensors } from '../../store/safetensors';
import type { ModelSpec } from '../nn/spec';
import { FILES, PackConfigSchema, prettified } from './manifest';
import type { Chains, Loss, PackConfig, Step } from './manifest';

export type Arrays = Record<string, NdArray>;

/** Tensors and figures of the reference, read from a folder and checked; null for what it lacks. */
export interface Pack {
  config: PackConfig;
  spec: ModelSpec;
  loss: Loss | null;
  step: Step | null;
  /** How each stored trajectory was sampled, by its name. */
  chains: Chains;
  /** Whether a parameter's exact gradient is 0, so that AdamW moves it by round-off alone. */
  roundoffOnly(name: string): boolean;
  /** A tensor file of the pack, or null where the pack does not hold it. */
  tensors(name: string): Arrays | null;
}

/**
 * @throws AppError bad_data naming the file that is not of this form; of all files, only
 *         config.json has to be there
 */
export function openPack(dir: string): Pack {
  const config = parseJson(dir, 'config.json', PackConfigSchema);
  if (config === null) {
    throw new AppError('bad_data', `${join(dir, 'config.json')} cannot be used: it is not there.`, {
      remedy: 'Name a folder that holds the config.json and the .safetensors files of a pack.',
    });
  }
  const { unet, prototype } = config;
  const keys = parseJson(dir, 'keys.json', FILES.keys);
  const known = new Map(keys?.map(({ key, grad }) => [key, grad]));
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
    loss: parseJson(dir, 'loss.json', FILES.loss),
    step: parseJson(dir, 'step.json', FILES.step),
    chains: parseJson(dir, 'sample.json', FILES.chains) ?? {},
    roundoffOnly: (name) =>
      known.has(name) ? known.get(name) === 'roundoff_only' : NO_GRADIENT.test(name),
    tensors(name) {
      const path = join(dir, `${name}.safetensors`);
      return existsSync(path) ? readSafetensors(path).tensors : null;
    },
  };
}

/** What reference behaviour 7 names, for a pack whose keys.json does not say. */
const NO_GRADIENT = /\.to_k\.bias$|\.f_phi\.encoder\.[25]\.bias$/;

/** Python's json writes these bare; they stand for nothing that is compared. */
const BARE = /"(?:[^"\\]|\\.)*"|-?Infinity|NaN/g;

/** A JSON file of the pack, or null where the pack does not hold it. */
function parseJson<T>(dir: string, file: string, schema: z.ZodType<T>): T | null {
  const path = join(dir, file);
  if (statSync(dir, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new AppError('bad_data', `There is no folder ${dir}.`, {
      remedy: 'Name the folder of a pack.',
    });
  }
  if (!existsSync(path)) return null;
  try {
    const text = readFileSync(path, 'utf8').replace(BARE, (token) =>
      token.startsWith('"') ? token : 'null',
    );
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    throw new AppError(
      'bad_data',
      `The golden pack's ${file} cannot be used: ${prettified(cause)}`,
      {
        remedy:
          'Write it as the reference’s packs have it, or take it out: what a pack lacks is not compared.',
        cause,
      },
    );
  }
}
