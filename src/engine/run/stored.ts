import { choicesOf } from '@shared/config/family';
import type { SamplingConfig } from '@shared/config/run-config';
import { guidanceProblem, SamplingConfigSchema } from '@shared/config/run-config';
import { listed } from '@shared/config/surgery';
import { AppError } from '@shared/errors';
import { z } from 'zod';
import type { RunStore, Samples } from '../../store/port';
import type { LoadedBackend } from '../backend';
import { scheduleOf } from '../diffusion/schedule';
import { stateFromCheckpoint } from '../training/checkpoint';
import { preview } from '../training/preview';
import { geometryOf, samplingProgram } from '../training/program';
import { bankIn } from './bank';
import { makeExecutable } from './open';
import type { Weights } from './paint';

/** The weights in the run's checkpoint at a step, by default the newest. */
export function weightsOf(store: RunStore, run: string, kind: 'ema' | 'raw', at?: number): Weights {
  const record = store.read(run);
  const loaded = store.loadCheckpoint(run, at);
  const { config, bank } = bankIn(record, loaded);
  const state = stateFromCheckpoint(loaded.tensors, geometryOf(config));
  const weights = kind === 'ema' ? state.ema : state.params;
  return { config, ids: bank.ids, step: loaded.step, weights };
}

/** @throws AppError bad_config naming the setting that is out of range */
export async function samplesFromCheckpoint(
  store: RunStore,
  backend: LoadedBackend,
  run: string,
  wanted: Partial<SamplingConfig>,
): Promise<Samples> {
  const asked = store.read(run).origin.config;
  const parsed = SamplingConfigSchema.safeParse({ ...asked.sampling, ...wanted });
  if (!parsed.success) throw new AppError('bad_config', z.prettifyError(parsed.error));
  const sampling = parsed.data;
  const { timesteps } = asked.diffusion;
  if (sampling.steps > timesteps) {
    throw new AppError(
      'bad_config',
      `${sampling.steps} sampling steps exceed the chain's ${timesteps}.`,
    );
  }
  const unguided = sampling.guidance === 1 ? null : guidanceProblem(asked);
  if (unguided !== null) {
    throw new AppError('bad_config', `This run cannot be guided: ${unguided}.`);
  }
  const { weights, step, config, ids } = weightsOf(store, run, sampling.weights);
  const choices = choicesOf(config.model);
  if (sampling.prototype !== undefined && (choices === 0 || !ids.includes(sampling.prototype))) {
    throw new AppError(
      'bad_config',
      choices === 0
        ? 'This run has no prototypes or classes to choose from.'
        : `There is no prototype or class ${sampling.prototype}: the run has ${listed(ids)}.`,
    );
  }
  const geometry = geometryOf(config);
  const started = performance.now();
  const executable = makeExecutable(
    samplingProgram(config, geometry, weights, sampling.count),
    backend,
  );
  try {
    const schedule = scheduleOf(config.diffusion);
    const work = preview(config, sampling, geometry, schedule, executable, ids);
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
