import { listed } from '@shared/config/surgery';
import { AppError } from '@shared/errors';
import { ndarray } from '@shared/maths/ndarray';
import type { RequestInput, RequestOutput } from '@shared/protocol/contract';
import { imagesAt } from './data/dataset';
import type { Dataset } from './data/dataset';
import { bankNow } from './run/bank';
import type { PrototypeContext } from './prototype-sources';
import { topic } from './topics';

/** @throws AppError not_found where the run has no snapshots */
export async function probeImages(
  { store, sampling }: PrototypeContext,
  { run }: RequestInput<'prototypes.probe'>,
): Promise<RequestOutput<'prototypes.probe'>> {
  const { origin } = store.read(run);
  const set = store.probe(run);
  if (set === null) {
    throw new AppError('not_found', 'This run has no snapshots of its prototypes.', {
      remedy: 'Continue it, or start a run with probe_every above 0.',
    });
  }
  const { index, labels, classes } = set;
  const { image_size: size, channels } = origin.config.data;
  const data = await present(sampling.dataset(run));
  return {
    index: ndarray(index, [index.length]),
    labels: ndarray(labels ?? new Int32Array(0), [labels?.length ?? 0]),
    classes,
    images: imagesAt(data, data === null ? new Int32Array(0) : index, [size, size, channels]),
  };
}

/** Null where the images are gone or changed: the map is drawn without them. */
async function present(loading: Promise<Dataset>): Promise<Dataset | null> {
  try {
    return await loading;
  } catch (thrown) {
    const error = AppError.from(thrown);
    if (error.code === 'internal') throw error;
    return null;
  }
}

/** @throws AppError bad_config for a prototype that the run does not have */
export function labelPrototype(
  { store, topics }: PrototypeContext,
  { run, label }: RequestInput<'prototypes.label'>,
): RequestOutput<'prototypes.label'> {
  // One that is gone keeps its name: it may come back, and older snapshots show it.
  const { ids, next } = bankNow(store.read(run));
  if (label.prototype >= next) {
    throw new AppError(
      'bad_config',
      `There is no prototype ${label.prototype}: this run has ${listed(ids)}.`,
      { remedy: 'Choose one of these.' },
    );
  }
  store.labelPrototype(run, label);
  topics.changed(topic.labels(run));
  return { labels: store.prototypeLabels(run) };
}
