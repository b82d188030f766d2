import { ndarray } from '@shared/maths/ndarray';
import type { SubscriptionEvent, SubscriptionInput } from '@shared/protocol/contract';
import type { Source } from '@shared/protocol/service';
import { share } from '@shared/protocol/shared-event';
import type { MetricRows, RunStore } from '../store/port';
import { outlineOf } from './outline';
import { topic } from './topics';
import type { Topics } from './topics';

/** Rows of one curves event at most: a long history comes in several. */
const ROWS_AT_ONCE = 20_000;

/** Where the record of a run is read, and who says that there is more of it. */
export interface RecordContext {
  store: Pick<RunStore, 'metrics'>;
  topics: Topics;
}

/** What is told at most once in `everyMs`, for it goes on by itself. */
export interface Going {
  name: string;
  everyMs: number | undefined;
}

/** Answers each pull with what `read` finds, once for every change and once at the start. */
export function latest<Event>(
  { topics }: Pick<RecordContext, 'topics'>,
  name: string,
  changed: () => void,
  read: () => Event | undefined,
  going?: Going,
): Source<Event> {
  let fresh = true;
  const tell = (): void => {
    fresh = true;
    changed();
  };
  const closers = [topics.listen(name, tell)];
  if (going) closers.push(topics.listen(going.name, tell, going.everyMs));
  return {
    pull() {
      if (!fresh) return undefined;
      fresh = false;
      return read();
    },
    close: () => closers.forEach((close) => close()),
  };
}

/** The same, where one reading serves all windows that ask in the same turn. */
export function latestShared<Event extends object>(
  { topics }: Pick<RecordContext, 'topics'>,
  name: string,
  changed: () => void,
  read: () => Event | undefined,
  going?: Going,
): Source<Event> {
  const once = (): Event | undefined =>
    topics.once(name, () => {
      const event = read();
      return event && share(event);
    });
  return latest({ topics }, name, changed, once, going);
}

/** Rows from `next` on, or where that is wanted and they are many, their outline. */
function rowsEvent(
  store: Pick<RunStore, 'metrics'>,
  run: string,
  next: number,
  outlines: boolean,
  restart: boolean,
): { event: SubscriptionEvent<'curves'>; next: number; total: number } {
  const read = (from: number, limit: number): MetricRows => store.metrics(run, from, limit);
  let rows = read(next, ROWS_AT_ONCE);
  const { total } = rows;
  const long = outlines && total > ROWS_AT_ONCE;
  if (long) rows = outlineOf(total, read);
  const n = rows.step.length;
  const column = (data: Float64Array): ReturnType<typeof ndarray<Float64Array>> =>
    ndarray(data, [n]);
  const event = share({
    run,
    restart,
    ...(long && { outline: total }),
    keys: rows.keys,
    step: column(rows.step),
    wall: column(rows.wall),
    active: column(rows.active),
    values: ndarray(rows.values, [n, rows.keys.length]),
  });
  return { event, next: rows.next, total };
}

export function curves(
  { store, topics }: RecordContext,
  { run, outline = false, every_ms }: SubscriptionInput<'curves'>,
  changed: () => void,
): Source<SubscriptionEvent<'curves'>> {
  let next = 0;
  let restart = true;
  let outlined = false;
  let sent = false;
  const closers = [
    topics.listen(topic.curves(run), changed, every_ms),
    topics.listen(topic.rewound(run), () => {
      next = 0;
      restart = true;
      outlined = false;
      changed();
    }),
  ];
  return {
    pull() {
      const outlines = outline && !outlined && next === 0;
      const place = `${topic.curves(run)} ${next} ${outlines} ${restart}`;
      const read = topics.once(place, () => rowsEvent(store, run, next, outlines, restart));
      const { event, total } = read;
      outlined = true;
      if (event.step.data.length === 0 && !(restart && sent)) return undefined;
      restart = false;
      sent = true;
      if (event.outline === undefined) next = read.next;
      if (next < total) changed();
      return event;
    },
    close: () => closers.forEach((close) => close()),
  };
}

export function journal(
  { store, topics }: { store: Pick<RunStore, 'read'>; topics: Topics },
  { run }: SubscriptionInput<'journal'>,
  changed: () => void,
): Source<SubscriptionEvent<'journal'>> {
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
}
