import * as tf from '@tensorflow/tfjs';
import type { RunConfig } from '@shared/config/run-config';
import { geometryOf } from './training/program';

/**
 * Step time over the time of its forward passes' multiplications alone: backward passes,
 * normalisation, optimiser. Fitted to the configurations of bench/lib/configs.ts on two CPU cores
 * (docs/performance.md has the figures); estimates stay within a factor of 2 there.
 */
const STEP_PER_CONVOLUTION = 4;
/** Seconds of a step that no convolution explains: some thousand operations are started. */
const STEP_OVERHEAD = 0.006;
/** Cost of a multiplication of attention, whose softmax is passes over memory, in those of a convolution. */
const ATTENTION = 8;
/** Multiplications of a trial, about: enough that starting it does not count. */
const TRIAL = 1.5e8;

/** Multiplications of one image's forward pass, and where they are made. */
export interface Work {
  /** Edge of the feature map, pixels. */
  edge: number;
  /** Channels of the level. */
  width: number;
  multiplications: number;
}

/** What the convolutions of one forward pass cost, by level of the UNet; the encoder's with them. */
export function workOf(config: RunConfig): Work[] {
  const { data, model } = config;
  const widths = model.block_out_channels;
  const levels = widths.length;
  const work = widths.map((width, level) => ({
    ...{ edge: data.image_size / 2 ** level, width, multiplications: 0 },
  }));
  for (const { name, shape } of geometryOf(config).specs) {
    const scores = name.endsWith('.to_q.weight');
    if (shape.length !== 4 && !scores) continue;
    const [level, edge] = placeOf(name, levels, data.image_size);
    const at = work[level];
    if (!at) continue;
    at.multiplications += scores
      ? ATTENTION * 2 * edge ** 4 * (shape[0] ?? 0)
      : edge * edge * tapsOf(name) * shape.reduce((product, size) => product * size, 1);
  }
  return work;
}

/** Of a kernel's nine those that are multiplied: an enlargement and its convolution are one, of four. */
const tapsOf = (name: string): number => (name.includes('.upsamplers.') ? 4 / 9 : 1);

/** Level whose speed a convolution has, and the edge of what it puts out. */
function placeOf(name: string, levels: number, size: number): [level: number, edge: number] {
  const index = Number(/\.(\d+)\./.exec(`${name}.`)?.[1] ?? 0);
  const at = (level: number): [number, number] => {
    const kept = Math.min(levels - 1, Math.max(0, level));
    return [kept, size / 2 ** kept];
  };
  if (name.startsWith('prototype.')) {
    const halvings = { 0: 1, 2: 2, 5: 3, 8: 4 }[index] ?? 1;
    return [Math.min(levels - 1, halvings), size / 2 ** halvings];
  }
  if (name.startsWith('unet.down_blocks.'))
    return at(name.includes('downsamplers') ? index + 1 : index);
  if (name.startsWith('unet.mid_block')) return at(levels - 1);
  if (name.startsWith('unet.up_blocks.')) {
    return at(levels - 1 - index - (name.includes('upsamplers') ? 1 : 0));
  }
  return at(0);
}

/** Seconds per multiplication of a 3 × 3 convolution, by level; measured once each. */
export class Pace {
  private readonly rates = new Map<string, number>();

  /**
   * What a training step should take on this machine, in seconds: a convolution at each level's
   * width and size is timed (some tens of milliseconds together), the rest follows from the counts.
   */
  stepSeconds(config: RunConfig): number {
    const images = config.training.batch_size * config.training.accumulate;
    const forward = workOf(config).reduce(
      (sum, { edge, width, multiplications }) => sum + multiplications * this.rate(edge, width),
      0,
    );
    return STEP_OVERHEAD + STEP_PER_CONVOLUTION * images * forward;
  }

  private rate(edge: number, width: number): number {
    const key = `${edge} ${width}`;
    const known = this.rates.get(key);
    if (known !== undefined) return known;
    const each = edge * edge * 9 * width * width;
    const images = Math.min(64, Math.max(1, Math.round(TRIAL / each)));
    const seconds = tf.tidy(() => {
      const x = tf.ones<tf.Rank.R4>([images, edge, edge, width]);
      const kernel = tf.ones<tf.Rank.R4>([3, 3, width, width]);
      const once = (): number => {
        const began = performance.now();
        tf.slice(tf.conv2d(x, kernel, 1, 'same'), [0, 0, 0, 0], [1, 1, 1, 1]).dataSync();
        return (performance.now() - began) / 1000;
      };
      once();
      return Math.min(once(), once(), once());
    });
    const rate = seconds / (images * each);
    this.rates.set(key, rate);
    return rate;
  }
}

/** What decides the time of a step. */
export function speedKey({ model, data, training }: RunConfig): string {
  const { batch_size, accumulate } = training;
  return JSON.stringify([model, data.image_size, data.channels, batch_size, accumulate]);
}
