import { FAMILY } from '@shared/config/family';
import { AppError } from '@shared/errors';
import { ndarray } from '@shared/maths/ndarray';
import type { SubscriptionEvent, SubscriptionInput } from '@shared/protocol/contract';
import type { Source } from '@shared/protocol/service';
import { share } from '@shared/protocol/shared-event';
import type { RunStore } from '../store/port';
import type { LoadedBackend } from './backend';
import { imagesAt } from './data/dataset';
import type { Dataset } from './data/dataset';
import { exemplarCalls, exemplars } from './run/exemplars';
import type { Nearest } from './run/exemplars';
import type { SamplingContext } from './sampling-sources';
import { topic } from './topics';
import type { Topics } from './topics';
import { workSource } from './work-source';

export interface PrototypeContext {
  store: RunStore;
  topics: Topics;
  sampling: SamplingContext;
  backend: LoadedBackend;
}

/** Bytes of all exemplars at most. */
const MAX_BYTES = 256 * 1024 * 1024;

/** Snapshots in order, each once, and again when its swaps have been measured. */
export function prototypeSource(
  { store, topics }: PrototypeContext,
  { run }: SubscriptionInput<'prototypes'>,
  changed: () => void,
): Source<SubscriptionEvent<'prototypes'>> {
  /** By step: when it was taken, and whether the swaps were there. */
  const sent = new Map<number, string>();
  let restart = true;
  const closers = [
    topics.listen(topic.prototypes(run), changed),
    topics.listen(topic.rewound(run), () => {
      sent.clear();
      restart = true;
      changed();
    }),
  ];
  return {
    pull() {
      const news = store
        .prototypeSteps(run)
        .filter((each) => sent.get(each.step) !== stateOf(each));
      const [next] = news;
      if (next === undefined) return undefined;
      const first = restart;
      const place = `${topic.prototypes(run)} ${next.step} ${stateOf(next)} ${first}`;
      const event = topics.once(place, () =>
        share({ run, restart: first, ...store.loadPrototypes(run, next.step) }),
      );
      restart = false;
      sent.set(next.step, stateOf(next));
      if (news.length > 1) changed();
      return event;
    },
    close: () => closers.forEach((close) => close()),
  };
}

function stateOf({ wall, measured }: { wall: number; measured: boolean }): string {
  return `${wall} ${measured}`;
}

export function exemplarSource(
  { store, sampling, backend }: PrototypeContext,
  { run, count }: SubscriptionInput<'exemplars'>,
  changed: () => void,
): Source<SubscriptionEvent<'exemplars'>> {
  const { origin } = store.read(run);
  const config = sampling.config(run);
  const { k, variant } = config.model;
  if (!FAMILY[variant].bank) {
    throw new AppError('bad_config', `${FAMILY[variant].title} has no prototypes.`, {
      remedy: 'Choose a run of a model that has.',
    });
  }
  const { image_size: size, channels } = config.data;
  const shown = Math.min(count, origin.data.images);
  if (k * shown * size * size * channels > MAX_BYTES) {
    throw new AppError('bad_config', 'That many images of this size do not fit in memory.', {
      remedy: 'Ask for fewer images of each prototype.',
    });
  }
  let data: Dataset | null = null;
  let step: number | null = null;
  let ids = new Int32Array(0);
  let best: Nearest[][] = [];
  const ready = sampling.dataset(run).then((loaded) => (data = loaded));
  return workSource<Nearest[][], SubscriptionEvent<'exemplars'>>(
    sampling.jobs,
    {
      total: exemplarCalls(config, origin.data.images),
      begin() {
        if (data === null) throw new Error('the images are not loaded');
        const taken = sampling.studio(run).weights({ weights: 'raw', checkpoint: null, run: null });
        step = taken.step;
        ids = Int32Array.from(taken.ids);
        return exemplars(taken.config, data, taken.weights, shown, backend);
      },
      add: (found) => (best = found),
      take(progress) {
        const nearest = progress.phase === 'done' ? best.flat() : [];
        const rows = ids.length;
        const n = rows === 0 ? 0 : nearest.length / rows;
        const index = Int32Array.from(nearest, ({ image }) => image);
        return {
          ...progress,
          step,
          ids: ndarray(ids, [rows]),
          index: ndarray(index, [rows, n]),
          distances: ndarray(
            Float32Array.from(nearest, ({ distance }) => distance),
            [rows, n],
          ),
          images: imagesAt(data, index, [size, size, channels]),
        };
      },
    },
    changed,
    ready,
  );
}
