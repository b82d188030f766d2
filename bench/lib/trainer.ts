import type { RunConfig } from '@shared/config/run-config';
import { ndarray } from '@shared/maths/ndarray';
import { stream } from '@shared/maths/rng';
import type { LoadedBackend } from '../../src/engine/backend';
import type { Executable, Program } from '../../src/engine/backend/executable';
import type { Precision } from '../../src/engine/backend/precision';
import type { Dataset } from '../../src/engine/data/dataset';
import { makeExecutable } from '../../src/engine/run/open';
import { initialParameters, initialRunning } from '../../src/engine/training/initial';
import { geometryOf, trainingProgram } from '../../src/engine/training/program';
import type { Geometry } from '../../src/engine/training/program';
import { Trainer } from '../../src/engine/training/trainer';

interface Opening {
  /** Of a look at the prototypes; 0 for none. */
  images?: number;
  /** The precision of the network alone, which is float32 in the application. */
  forward?: Precision;
}

/** The program of a configuration, with the state that a run begins from. */
export function openProgram(
  config: RunConfig,
  { images = 0, forward = 'f32' }: Opening = {},
): { program: Program; geometry: Geometry } {
  const geometry = geometryOf(config);
  const { total } = geometry.layout;
  const params = initialParameters(geometry.specs, geometry.layout, 1);
  const zeros = () => ndarray(new Float32Array(total), [total]);
  const running = initialRunning(geometry.spec);
  const state = {
    params: ndarray(params, [total]),
    ema: ndarray(params.slice(), [total]),
    m: zeros(),
    v: zeros(),
    running: ndarray(running, [running.length]),
  };
  const program = trainingProgram(config, geometry, state, images);
  if (program.functions.eps) program.functions.eps.precision = forward;
  return { program, geometry };
}

/** A configuration ready to step on random images. The state that it began from is let go of, as in a run. */
export function openTrainer(
  config: RunConfig,
  backend: LoadedBackend,
  opening: Opening = {},
): { trainer: Trainer; executable: Executable; geometry: Geometry } {
  const { program, geometry } = openProgram(config, opening);
  const executable = makeExecutable(program, backend);
  const data = randomImages(config, Math.max(config.training.batch_size, 64));
  const trainer = new Trainer(config, geometry, data, executable, { ...config.knobs }, 0);
  return { trainer, executable, geometry };
}

export function randomImages({ data, model }: RunConfig, count: number): Dataset {
  const { image_size, channels } = data;
  const images = new Uint8Array(count * image_size * image_size * channels);
  const rng = stream(1, 'noise', 0);
  for (let i = 0; i < images.length; i++) images[i] = rng.int(256);
  return {
    ...{ name: 'random', count, height: image_size, width: image_size, channels, images },
    labels: Int32Array.from({ length: count }, (_, i) => i % model.k),
    ...{ classes: [], fingerprint: '', skipped: [], skipped_total: 0 },
  };
}
