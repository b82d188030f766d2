import type { RunConfig } from '@shared/config/run-config';
import { ndarray } from '@shared/maths/ndarray';
import type { LoadedBackend } from '../backend';
import { capture } from '../backend/capture';
import { eager } from '../backend/executable';
import type { Executable } from '../backend/executable';
import type { Dataset } from '../data/dataset';
import { initialParameters, initialRunning } from './initial';
import { geometryOf, trainingProgram } from './program';
import type { ProgramState } from './program';

/** Two kinds of stripes, grey: learnable in a few steps. */
export function stripes({ data }: RunConfig): Dataset {
  const size = data.image_size;
  const count = 40;
  const images = new Uint8Array(count * size * size);
  const labels = new Int32Array(count);
  for (let n = 0; n < count; n++) {
    labels[n] = n % 2;
    for (let y = 0; y < size; y++)
      for (let x = 0; x < size; x++) {
        images[(n * size + y) * size + x] = ((n % 2 ? x : y) >> 2) % 2 ? 255 : 0;
      }
  }
  return {
    name: 'stripes',
    images,
    labels,
    classes: ['across', 'down'],
    count,
    height: size,
    width: size,
    channels: 1,
    fingerprint: 'stripes',
    skipped: [],
    skipped_total: 0,
  };
}

/** As a run begins. */
export function stateFor(config: RunConfig): ProgramState {
  const { specs, spec, layout } = geometryOf(config);
  const { total } = layout;
  const params = initialParameters(specs, layout, config.seed);
  const running = initialRunning(spec);
  return {
    params: ndarray(params, [total]),
    ema: ndarray(params.slice(), [total]),
    m: ndarray(new Float32Array(total), [total]),
    v: ndarray(new Float32Array(total), [total]),
    running: ndarray(running, [running.length]),
  };
}

export type Kind = 'eager' | 'captured';

export function executableFor(
  config: RunConfig,
  backend: LoadedBackend,
  kind: Kind,
  state = stateFor(config),
  /** Images of a look at the prototypes; 0: there is none. */
  images = 0,
): Executable {
  const program = trainingProgram(config, geometryOf(config), state, images);
  if (kind === 'eager') return eager(program);
  if (!backend.native) throw new Error('capture needs the native backend');
  return capture(program, backend.native);
}

/** Without the native library the captured kind cannot run; the run says so and tests eager alone. */
export function kindsOf(backend: LoadedBackend): Kind[] {
  if (backend.native) return ['eager', 'captured'];
  console.warn('No native TensorFlow: captured training is not tested.');
  return ['eager'];
}
