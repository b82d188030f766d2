import type { Source } from '@shared/protocol/service';
import type {
  Notice,
  Preparing,
  SubscriptionEvent,
  SubscriptionInput,
  SubscriptionName,
} from '@shared/protocol/contract';
import { ndarray } from '@shared/maths/ndarray';
import type { MetricRows } from '../store/port';
import { outlineOf } from './outline';
import { exemplarSource, prototypeSource } from './prototype-sources';
import type { PrototypeContext } from './prototype-sources';
import type { RunSession } from './run/session';
import { trajectorySource } from './sampling-sources';
import { sheetSource } from './sheet-source';
import { topic } from './topics';

/** Rows of one curves event at most: a long history comes in several. */
const ROWS_AT_ONCE = 20_000;
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

/** Answers each pull with what `read` finds, once for every change and once at the start. */
function latest<Event>(
  context: SourceContext,
  name: string,
  changed: () => void,
  read: () => Event | undefined,
): Source<Event> {
  let fresh = true;
  const close = context.topics.listen(name, () => {
    fresh = true;
    changed();
  });
  return {
    pull() {
      if (!fresh) return undefined;
      fresh = false;
      return read();
    },
    close,
  };
}

const curves: Maker<'curves'> = ({ store, topics }, { run, outline = false }, changed) => {
  let next = 0;
  let restart = true;
  let outlined = false;
  let sent = false;
  const closers = [
    topics.listen(topic.curves(run), changed),
    topics.listen(topic.rewound(run), () => {
      next = 0;
      restart = true;
      outlined = false;
      changed();
    }),
  ];
  return {
    pull() {
      const read = (from: number, limit: number): MetricRows => store.metrics(run, from, limit);
      let rows = read(next, ROWS_AT_ONCE);
      const { total } = rows;
      const long = outline && !outlined && next === 0 && total > ROWS_AT_ONCE;
      outlined = true;
      if (long) rows = outlineOf(total, read);
      const n = rows.step.length;
      if (n === 0 && !(restart && sent)) return undefined;
      const first = restart;
      restart = false;
      sent = true;
      if (!long) next = rows.next;
      if (next < total) changed();
      const column = (data: Float64Array): ReturnType<typeof ndarray<Float64Array>> =>
        ndarray(data, [n]);
      return {
        run,
        restart: first,
        ...(long && { outline: total }),
        keys: rows.keys,
        step: column(rows.step),
        wall: column(rows.wall),
        active: column(rows.active),
        values: ndarray(rows.values, [n, rows.keys.length]),
      };
    },
    close: () => closers.forEach((close) => close()),
  };
};

const journal: Maker<'journal'> = ({ store, topics }, { run }, changed) => {
  let seen = -1;
  let seenAct = -1;
  let restart = true;
  let sent = false;
  const closers = [
    topics.listen(topic.journal(run), changed),
    topics.listen(topic.rewound(run), () => {
      [seen, seenAct, restart] = [-1, -1, true];
      changed();
    }),
  ];
  return {
    pull() {
      const record = store.read(run);
      const entries = record.journal.filter(({ seq }) => seq > seen);
      const acts = record.acts.filter(({ seq }) => seq > seenAct);
      seen = entries.at(-1)?.seq ?? seen;
      seenAct = acts.at(-1)?.seq ?? seenAct;
      if (entries.length + acts.length === 0 && !(restart && sent)) return undefined;
      const first = restart;
      [restart, sent] = [false, true];
      return { run, restart: first, entries, acts };
    },
    close: () => closers.forEach((close) => close()),
  };
};

export const sources: { [N in SubscriptionName]: Maker<N> } = {
  status: (context, _input, changed) =>
    latest(context, topic.status, changed, () => ({
      active: context.session()?.activity() ?? null,
      ...(context.preparing() && { preparing: context.preparing() }),
      memory: context.memory(),
      notices: context.notices(),
    })),
  runs: (context, _input, changed) => {
    let more: NodeJS.Timeout | undefined;
    const source = latest(context, topic.runs, changed, (): SubscriptionEvent<'runs'> => {
      const found = context.store.listWithin(LIST_MS);
      clearTimeout(more);
      if (found.unread > 0) more = setTimeout(() => context.topics.changed(topic.runs));
      return found;
    });
    const close = (): void => {
      clearTimeout(more);
      source.close();
    };
    return { ...source, close };
  },
  queue: (context, _input, changed) => latest(context, topic.queue, changed, () => context.queue()),
  curves,
  journal,
  samples: (context, { run }, changed) =>
    latest(context, topic.samples(run), changed, () => {
      const step = context.store.sampleSteps(run).at(-1);
      return step === undefined ? undefined : context.store.loadSamples(run, step);
    }),
  trajectory: ({ sampling }, input, changed) => trajectorySource(sampling, input, changed),
  sheet: ({ sampling }, input, changed) => sheetSource(sampling, input, changed),
  prototypes: prototypeSource,
  prototype_labels: (context, { run }, changed) =>
    latest(context, topic.labels(run), changed, () => ({
      labels: context.store.prototypeLabels(run),
    })),
  exemplars: exemplarSource,
};
