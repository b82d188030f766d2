import * as tf from '@tensorflow/tfjs';
import { ndarray } from '@shared/maths/ndarray';
import type { NdArray } from '@shared/maths/ndarray';
import { dpmpp2m } from '../diffusion/dpm-solver';
import { ddim, ddpm } from '../diffusion/samplers';
import type { Denoise, SamplerRun } from '../diffusion/samplers';
import { linearSchedule } from '../diffusion/schedule';
import { named, unflatten } from '../nn/flat';
import { imagesFromReference } from '../nn/layout';
import type { FlatLayout } from '../nn/flat';
import { conditionFrom } from '../nn/condition';
import { oneHotOf } from '../nn/prototypes';
import { timeProjection, tokenTime } from '../nn/time';
import { unet } from '../nn/unet';
import { absentRow, largest, maxAbs } from './compare';
import type { Row } from './compare';
import type { Pack } from './pack';
import { TOLERANCE } from './verify';

/** Trajectories with the stored noise and prototypes, compared frame by frame. */
export function verifySamplers(pack: Pack, layout: FlatLayout, params: tf.Tensor1D): Row[] {
  const stored = pack.tensors('sample');
  if (stored === null) return [absentRow('samplers', 'absent from the pack')];
  const short = pack.config.ddpm_full;
  const main = linearSchedule(
    pack.config.num_train_timesteps,
    pack.config.beta_start,
    pack.config.beta_end,
  );
  const full = linearSchedule(short.num_train_timesteps, short.beta_start, short.beta_end);
  return [
    { name: 'ddpm_full', schedule: full, sampler: ddpm, clip: true },
    { name: 'ddpm_strided', schedule: main, sampler: ddpm, clip: true },
    { name: 'ddim', schedule: main, sampler: ddim, clip: true },
    { name: 'ddim_noclip', schedule: main, sampler: ddim, clip: false },
    { name: 'dpmpp2m', schedule: main, sampler: dpmpp2m, clip: false },
  ].map(({ name, schedule, sampler, clip }): Row => {
    const frames = stored[`${name}.x`];
    const ids = stored[`${name}.prototype_ids`];
    if (frames === undefined || ids === undefined)
      return absentRow(`sample.${name}`, 'absent from the pack');
    const [n = 0, B = 0, C = 0, H = 0, W = 0] = frames.shape;
    const frame = (i: number): NdArray<Float32Array> =>
      imagesFromReference(slice(frames as NdArray<Float32Array>, i, [B, C, H, W]));
    const noise = stored[`${name}.noise`] as NdArray<Float32Array> | undefined;
    const denoise = denoiser(pack, layout, params, [B, H, W, C], ids);
    const x = frame(0).data.slice();
    const run: SamplerRun = sampler(schedule, denoise, x, {
      steps: n - 1,
      clip,
      noise(out, step) {
        if (noise === undefined) throw new Error(`${name} has no stored noise`);
        out.set(imagesFromReference(slice(noise, step, [B, C, H, W])).data);
      },
    });
    let worst = 0;
    let at = 0;
    for (const { step, x: state } of run) {
      const theirs = frame(step + 1).data;
      const relative = maxAbs(state, theirs) / Math.max(largest(theirs), 1e-12);
      if (!(relative <= worst)) {
        worst = relative;
        at = step;
      }
    }
    return {
      quantity: `sample.${name}`,
      max_abs: worst,
      tolerance: TOLERANCE.sample,
      ok: worst <= TOLERANCE.sample,
      note: `of the frame's largest value, worst at step ${at}`,
    };
  });
}

/** The network with each image's stored prototype: ids [steps, B], or [B] for all steps. */
function denoiser(
  pack: Pack,
  layout: FlatLayout,
  params: tf.Tensor1D,
  shape: [number, number, number, number],
  ids: NdArray,
): Denoise {
  const [B] = shape;
  const { spec } = pack;
  return (x, t, step) =>
    tf.tidy(() => {
      const record = named(layout, unflatten(layout, params));
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
