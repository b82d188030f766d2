import type { Source } from '@shared/protocol/service';
import type {
  Notice,
  Preparing,
  SubscriptionEvent,
  SubscriptionInput,
  SubscriptionName,
} from '@shared/protocol/contract';
import { exemplarSource, prototypeSource } from './prototype-sources';
import type { PrototypeContext } from './prototype-sources';
import type { RunSession } from './run/session';
import { trajectorySource } from './sampling-sources';
import { sheetSource } from './sheet-source';
import { curves, journal, latest, latestShared } from './record-sources';
import { topic } from './topics';

/** A list of runs that are seen for the first time comes in parts, each read in about this time. */
const LIST_MS = 150;

export interface SourceContext extends PrototypeContext {
  session(): RunSession | null;
  preparing(): Preparing | undefined;
  notices(): Notice[];
  queue(): SubscriptionEvent<'queue'>;
  memory(): { rss_bytes: number; total_bytes: number };
}

type Maker<N extends SubscriptionName> = (
  context: SourceContext,
  input: SubscriptionInput<N>,
  changed: () => void,
) => Source<SubscriptionEvent<N>>;

export const sources: { [N in SubscriptionName]: Maker<N> } = {
  status: (context, { every_ms }, changed) => {
    const read = (): SubscriptionEvent<'status'> => ({
      active: context.session()?.activity() ?? null,
      ...(context.preparing() && { preparing: context.preparing() }),
      memory: context.memory(),
      notices: context.notices(),
    });
    const going = { name: topic.progress, everyMs: every_ms };
    return latestShared(context, topic.status, changed, read, going);
  },
  runs: (context, { every_ms }, changed) => {
    let more: NodeJS.Timeout | undefined;
    const read = (): SubscriptionEvent<'runs'> => {
      const found = context.store.listWithin(LIST_MS);
      clearTimeout(more);
      if (found.unread > 0) more = setTimeout(() => context.topics.changed(topic.runs));
      return found;
    };
    const going = { name: topic.beat, everyMs: every_ms };
    const source = latest(context, topic.runs, changed, read, going);
    const close = (): void => {
      clearTimeout(more);
      source.close();
    };
    return { ...source, close };
  },
  queue: (context, _input, changed) =>
    latestShared(context, topic.queue, changed, () => context.queue()),
  curves,
  journal,
  samples: (context, { run }, changed) =>
    latestShared(context, topic.samples(run), changed, () => {
      const step = context.store.sampleSteps(run).at(-1);
      return step === undefined ? undefined : context.store.loadSamples(run, step);
    }),
  trajectory: ({ sampling }, input, changed) => trajectorySource(sampling, input, changed),
  sheet: ({ sampling }, input, changed) => sheetSource(sampling, input, changed),
  prototypes: prototypeSource,
  prototype_labels: (context, { run }, changed) =>
    latestShared(context, topic.labels(run), changed, () => ({
      labels: context.store.prototypeLabels(run),
    })),
  exemplars: exemplarSource,
};
