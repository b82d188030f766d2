import * as tf from '@tensorflow/tfjs';
import { ndarray } from '@shared/maths/ndarray';
import type { NdArray } from '@shared/maths/ndarray';
import { dpmpp2m } from '../diffusion/dpm-solver';
import { ddim, ddpm, toPixels } from '../diffusion/samplers';
import type { Denoise } from '../diffusion/samplers';
import type { Schedule } from '../diffusion/schedule';
import { conditionFrom } from '../nn/condition';
import { named, unflatten } from '../nn/flat';
import { imagesFromReference } from '../nn/layout';
import { oneHotOf } from '../nn/prototypes';
import { timeProjection, tokenTime } from '../nn/time';
import { unet } from '../nn/unet';
import {
  ABSENT,
  absentRow,
  largest,
  maxAbs,
  measuredRow,
  row,
  TOLERANCE,
  vectorRow,
} from './compare';
import type { Row } from './compare';
import type { Sampler } from './manifest';
import type { Arrays, Pack } from './pack';
import { chainOf } from './state';
import type { Subject } from './state';

/** A trajectory as it is repeated here. */
interface Course {
  sampler: typeof ddim;
  schedule: Schedule;
  clip: boolean;
  eta: number;
  /** Whether it needs the stored noise. */
  noisy: boolean;
}

/** What diffusers calls the samplers, and the options in which ours are theirs. */
const SCHEDULERS: Record<string, { sampler: typeof ddim; noisy: boolean; like: object }> = {
  DDPMScheduler: {
    sampler: ddpm,
    noisy: true,
    like: { timestep_spacing: 'leading', variance_type: 'fixed_small' },
  },
  DDIMScheduler: {
    sampler: ddim,
    noisy: false,
    like: { timestep_spacing: 'leading', set_alpha_to_one: true },
  },
  DPMSolverMultistepScheduler: {
    sampler: dpmpp2m,
    noisy: false,
    like: {
      timestep_spacing: 'linspace',
      algorithm_type: 'dpmsolver++',
      solver_order: 2,
      solver_type: 'midpoint',
      final_sigmas_type: 'zero',
      use_karras_sigmas: false,
      euler_at_final: false,
    },
  },
};
const LIKE_ALL = {
  prediction_type: 'epsilon',
  steps_offset: 0,
  thresholding: false,
  rescale_betas_zero_snr: false,
  clip_sample_range: 1,
};

/** What the trajectories are that a pack may hold without saying how each was made. */
const KNOWN: Record<string, { scheduler: string; clip: boolean }> = {
  ddpm_full: { scheduler: 'DDPMScheduler', clip: true },
  ddpm_strided: { scheduler: 'DDPMScheduler', clip: true },
  ddim: { scheduler: 'DDIMScheduler', clip: true },
  ddim_noclip: { scheduler: 'DDIMScheduler', clip: false },
  dpmpp2m: { scheduler: 'DPMSolverMultistepScheduler', clip: false },
};

/** Trajectories with the stored noise and prototypes, compared frame by frame. */
export function samplerRows(subject: Subject): Row[] {
  const { pack } = subject;
  const stored = pack.tensors('sample');
  if (stored === null) return [absentRow('sample', ABSENT)];
  const held = Object.keys(stored).flatMap((name) => /^(.+)\.x$/.exec(name)?.[1] ?? []);
  const names = new Set([...Object.keys(KNOWN), ...Object.keys(pack.chains), ...held]);
  return [...names].flatMap((name) => {
    const course = courseOf(name, subject);
    return typeof course === 'string'
      ? [absentRow(`sample.${name}`, course)]
      : trajectoryRows(name, course, subject, stored);
  });
}

/** How the named trajectory is repeated, or why it cannot be. */
function courseOf(name: string, { pack, schedule }: Subject): Course | string {
  const chain = pack.chains[name];
  const known = KNOWN[name];
  const scheduler = chain?.scheduler ?? known?.scheduler;
  if (scheduler === undefined) return `how it was sampled is ${ABSENT}`;
  const ours = SCHEDULERS[scheduler];
  if (ours === undefined) return `${scheduler} is not a sampler of ours`;
  const { sampler, noisy, like } = ours;
  if (chain === undefined) {
    const short = pack.config.ddpm_full;
    if (name === 'ddpm_full' && !short) return ABSENT;
    const own = name === 'ddpm_full' && short ? chainOf(short) : schedule;
    return { sampler, noisy, schedule: own, clip: known?.clip ?? true, eta: 0 };
  }
  const other = unlike(chain, { ...LIKE_ALL, ...like });
  if (other !== undefined) return `${scheduler} with ${other} is not a sampler of ours`;
  const { config, eta = 0 } = chain;
  const clip = config.clip_sample && scheduler !== 'DPMSolverMultistepScheduler';
  return { sampler, noisy: noisy || eta > 0, schedule: chainOf(config), clip, eta };
}

/** The first option of a scheduler that is not as ours, in words. */
function unlike({ config }: Sampler, like: object): string | undefined {
  const given = config as Record<string, unknown>;
  const at = Object.entries(like).find(
    ([key, value]) => given[key] !== undefined && given[key] !== null && given[key] !== value,
  );
  return at && `${at[0]} ${String(given[at[0]])}`;
}

function trajectoryRows(name: string, course: Course, subject: Subject, stored: Arrays): Row[] {
  const quantity = `sample.${name}`;
  const get = (part: string): NdArray | undefined => stored[`${name}.${part}`];
  const [frames, ids, noise, eps] = ['x', 'prototype_ids', 'noise', 'eps'].map(get);
  if (frames === undefined || ids === undefined) {
    return [absentRow(quantity, ABSENT, TOLERANCE.sample)];
  }
  if (course.noisy && noise === undefined) {
    return [absentRow(quantity, `its noise is ${ABSENT}`, TOLERANCE.sample)];
  }
  const [n = 0, B = 0, C = 0, H = 0, W = 0] = frames.shape;
  const steps = n - 1;
  const wanted = subject.pack.chains[name]?.num_inference_steps;
  if (wanted !== undefined && wanted !== steps) {
    return [absentRow(quantity, `only ${n} of its ${wanted + 1} states are in the pack`)];
  }
  const images = (array: NdArray, i: number): Float32Array =>
    imagesFromReference(slice(array as NdArray<Float32Array>, i, [B, C, H, W])).data;
  const x = images(frames, 0).slice();
  const { sampler, schedule, clip, eta } = course;
  const run = sampler(schedule, denoiser(subject, [B, H, W, C], ids), x, {
    ...{ steps, clip, eta },
    noise: (out, step) => out.set(images(noise ?? frames, step)),
  });
  const worst = { x: { share: 0, at: 0 }, eps: { share: 0, at: 0 } };
  const see = (what: 'x' | 'eps', ours: Float32Array, theirs: Float32Array, at: number): void => {
    const share = maxAbs(ours, theirs) / Math.max(largest(theirs), 1e-12);
    if (!(share <= worst[what].share)) worst[what] = { share, at };
  };
  const timesteps: number[] = [];
  for (const frame of run) {
    timesteps.push(frame.t);
    if (eps) see('eps', frame.eps, images(eps, frame.step), frame.step);
    see('x', frame.x, images(frames, frame.step + 1), frame.step);
  }
  const shareRow = (label: string, { share, at }: { share: number; at: number }): Row =>
    measuredRow(
      label,
      share,
      TOLERANCE.sample,
      `of the frame's largest value, worst at step ${at}`,
    );
  const theirs = get('timesteps')?.data ?? subject.pack.chains[name]?.timesteps;
  const pixels = get('image_u8_nhwc');
  return [
    vectorRow(`${quantity}.timesteps`, timesteps, theirs, 0),
    shareRow(quantity, worst.x),
    ...(eps ? [shareRow(`${quantity}.eps`, worst.eps)] : []),
    ...(pixels
      ? [row(`${quantity}.image`, ndarray(toPixels(x), [B, H, W, C]), pixels, TOLERANCE.pixel)]
      : []),
  ];
}

/** The network with each image's stored prototype: ids [steps, B], or [B] for all steps. */
function denoiser(
  { pack: { spec }, layout, state }: { pack: Pack } & Pick<Subject, 'layout' | 'state'>,
  shape: [number, number, number, number],
  ids: NdArray,
): Denoise {
  const [B] = shape;
  return (x, t, step) =>
    tf.tidy(() => {
      const record = named(layout, unflatten(layout, state.params as tf.Tensor1D));
      const from = ids.shape.length === 2 ? step * B : 0;
      const index = Int32Array.from(ids.data.slice(from, from + B));
      const times = new Array<number>(B).fill(t);
      const channels = spec.block_out_channels[0] ?? 0;
      const token_time = tokenTime(times, spec.time_embed_dim, spec.dim);
      const eps = unet(record, spec, {
        x_t: tf.tensor4d(x.slice(), shape),
        time_proj: tf.tensor2d(timeProjection(times, channels), [B, channels]),
        condition: conditionFrom(
          record,
          spec,
          oneHotOf(tf.tensor1d(index, 'int32'), spec),
          tf.tensor2d(token_time, [B, spec.dim]),
        ),
      });
      return eps.dataSync() as Float32Array;
    });
}

function slice(
  array: NdArray<Float32Array>,
  index: number,
  shape: number[],
): NdArray<Float32Array> {
  const size = shape.reduce((a, b) => a * b, 1);
  return ndarray(array.data.slice(index * size, (index + 1) * size), shape);
}
