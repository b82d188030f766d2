import { choicesOf } from '@shared/config/family';
import type { RunConfig, SamplingConfig } from '@shared/config/run-config';
import { guidanceProblem, SamplingConfigSchema } from '@shared/config/run-config';
import { AppError } from '@shared/errors';
import type { NdArray } from '@shared/maths/ndarray';
import { z } from 'zod';
import type { RunStore, Samples } from '../../store/port';
import type { LoadedBackend } from '../backend';
import { scheduleOf } from '../diffusion/schedule';
import { stateFromCheckpoint } from '../training/checkpoint';
import { preview } from '../training/preview';
import { geometryOf, samplingProgram } from '../training/program';
import { makeExecutable } from './open';

interface StoredWeights {
  config: RunConfig;
  step: number;
  weights: NdArray<Float32Array>;
}

/** The weights in the run's checkpoint at a step, by default the newest. */
export function weightsOf(
  store: RunStore,
  run: string,
  kind: 'ema' | 'raw',
  at?: number,
): StoredWeights {
  const { config } = store.read(run).origin;
  const { tensors, step } = store.loadCheckpoint(run, at);
  const state = stateFromCheckpoint(tensors, geometryOf(config));
  return { config, step, weights: kind === 'ema' ? state.ema : state.params };
}

/** @throws AppError bad_config naming the setting that is out of range */
export async function samplesFromCheckpoint(
  store: RunStore,
  backend: LoadedBackend,
  run: string,
  wanted: Partial<SamplingConfig>,
): Promise<Samples> {
  const { config } = store.read(run).origin;
  const parsed = SamplingConfigSchema.safeParse({ ...config.sampling, ...wanted });
  if (!parsed.success) throw new AppError('bad_config', z.prettifyError(parsed.error));
  const sampling = parsed.data;
  const { timesteps } = config.diffusion;
  if (sampling.steps > timesteps) {
    throw new AppError(
      'bad_config',
      `${sampling.steps} sampling steps exceed the chain's ${timesteps}.`,
    );
  }
  const choices = choicesOf(config.model);
  if (sampling.prototype !== undefined && sampling.prototype >= choices) {
    throw new AppError(
      'bad_config',
      choices === 0
        ? 'This run has no prototypes or classes to choose from.'
        : `There is no prototype or class ${sampling.prototype}: there are ${choices}, numbered from 0.`,
    );
  }
  const unguided = sampling.guidance === 1 ? null : guidanceProblem(config);
  if (unguided !== null) {
    throw new AppError('bad_config', `This run cannot be guided: ${unguided}.`);
  }
  const { weights, step } = weightsOf(store, run, sampling.weights);
  const geometry = geometryOf(config);
  const started = performance.now();
  const executable = makeExecutable(
    samplingProgram(config, geometry, weights, sampling.count),
    backend,
  );
  try {
    const schedule = scheduleOf(config.diffusion);
    const work = preview(config, sampling, geometry, schedule, executable);
    for (;;) {
      const turn = work.next();
      if (turn.done) {
        const seconds = (performance.now() - started) / 1000;
        const settings = { ...sampling, run, step, prototypes: turn.value.prototypes, seconds };
        return { settings, images: turn.value.images };
      }
      await new Promise((done) => setImmediate(done));
    }
  } finally {
    executable.dispose();
  }
}
