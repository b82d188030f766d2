import * as tf from '@tensorflow/tfjs';
import { AppError } from '@shared/errors';
import type { NdArray } from '@shared/maths/ndarray';
import type { RunStore } from '../../store/port';
import { mapValues, toTensor } from '../backend/executable';
import { lossOf } from '../diffusion/loss';
import type { Batch } from '../diffusion/loss';
import { named, unflatten } from '../nn/flat';
import { stateFromCheckpoint } from '../training/checkpoint';
import { partOf } from '../training/part';
import { gradients, weightsIn } from '../training/step';
import type { StepInputs } from '../training/step';
import { Trainer } from '../training/trainer';
import { bankIn } from './bank';
import type { OpenRun } from './open';
import { knobsAt, Planned } from './planned';

/** Steps that are done again for a diagnosis at most. */
const MOST_STEPS = 500;

/**
 * The first tensor of a failed step that is not finite: of its weights, its inputs, the layers in the
 * order they are computed, the gradients in the order of the parameters. The state before that step is
 * gone, so the steps since the last checkpoint are done once more, which gives the same bits; the run's
 * executable holds that state afterwards.
 *
 * @returns null where no checkpoint is near enough, where the prototypes were worked on since, or where
 *   all is finite this time
 */
export function firstBadTensor(open: OpenRun, store: RunStore): string | null {
  const { config, geometry, dataset, writer, trainer: failed } = open;
  const record = store.read(writer.run);
  const { checkpoints, journal } = record;
  const from = checkpoints.filter(({ step }) => step <= failed.step).at(-1)?.step;
  if (from === undefined || failed.step - from > MOST_STEPS) return null;
  const loaded = store.loadCheckpoint(writer.run, from);
  // The rows that an act since then made are not there any more, nor the shapes it needs.
  if (bankIn(record, loaded).acts < open.acts.length) return null;
  const { tensors } = loaded;
  for (const [name, value] of Object.entries(stateFromCheckpoint(tensors, geometry))) {
    failed.executable.write(name, value);
  }
  const knobs = knobsAt(config.knobs, journal, from);
  const trainer = new Trainer(
    config,
    geometry,
    dataset,
    failed.executable,
    knobs,
    from,
    failed.frozen,
    failed.parts,
  );
  const again = new Planned([], from, journal);
  for (;;) {
    for (const due of again.due(trainer.step)) {
      if ('change' in due) trainer.knobs = { ...trainer.knobs, ...due.change };
    }
    if (trainer.step === failed.step) return tf.tidy(() => badOfNext(open, trainer) ?? '') || null;
    trainer.runStep();
  }
}

function badOfNext({ geometry: { spec, layout } }: OpenRun, trainer: Trainer): string | null {
  const params = trainer.executable.read('params');
  const state = { params: toTensor(params), running: toTensor(trainer.executable.read('running')) };
  const bad = badPart(layout, params.data, 0, layout.names.length);
  if (bad !== null) return `the weight ${bad}`;
  const { phase, batches } = trainer.nextInputs();
  for (const arrays of batches) {
    const given = Object.keys(arrays).find((name) => !isFinite(arrays[name]));
    if (given !== undefined) return `the input ${given}`;
    const inputs = mapValues(arrays, toTensor) as StepInputs;
    const weights = weightsIn(inputs);
    const batch = inputs as unknown as Batch;
    let layer: string | null = null;
    const views = named(layout, unflatten(layout, state.params as tf.Tensor1D));
    const { terms } = lossOf(views, spec, batch, weights, phase, (name, value) => {
      if (layer === null && !value.dataSync().every(Number.isFinite)) layer = name;
    });
    if (layer !== null) return layer;
    const term = Object.entries(terms).find(([, value]) => !Number.isFinite(value.dataSync()[0]));
    if (term !== undefined) return `the ${term[0]} loss`;
    const { first, end } = partOf(layout, phase);
    const { gradient, losses } = gradients({ spec, layout, phase }, state, batch, weights);
    losses.dispose();
    const part = badPart(layout, gradient.dataSync(), first, end);
    if (part !== null) return `the gradient of ${part}`;
  }
  return null;
}

/** The name of the first parameter in a flat vector with a value that is not finite. */
function badPart(
  { names, sizes }: OpenRun['geometry']['layout'],
  flat: ArrayLike<number>,
  first: number,
  end: number,
): string | null {
  for (let n = first, at = 0; n < end; n++) {
    for (const stop = at + (sizes[n] ?? 0); at < stop; at++) {
      if (!Number.isFinite(flat[at])) return names[n] ?? null;
    }
  }
  return null;
}

function isFinite(array: NdArray | undefined): boolean {
  return array?.data.every((value) => Number.isFinite(value)) ?? true;
}

/** What is told of an error; of a step that is not finite, of which nothing was recorded, all that is known. */
export function diagnosed({ code, message }: AppError, diagnose: OpenRun['diagnose']): string {
  if (code !== 'non_finite') return message;
  try {
    const bad = diagnose?.() ?? null;
    return bad === null ? message : `${message} The first bad tensor is ${bad}.`;
  } catch (thrown) {
    return `${message} The first bad tensor was not found: ${AppError.from(thrown).message}`;
  }
}
