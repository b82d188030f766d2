import type { Client, SubscribeOptions } from '@shared/protocol/client';
import type { SubscriptionEvent, SubscriptionName } from '@shared/protocol/contract';
import { inSlots, systemTimers } from '@shared/protocol/timers';
import type { Timers } from '@shared/protocol/timers';

/** News of all kinds reach the page together, at multiples of this, ms: each frame takes from the training. */
export const NEWS_MS = 400;
/** As long as nobody sees the page. */
const UNSEEN_MS = 4000;

type Event<N extends SubscriptionName> = SubscriptionEvent<N>;

/** What a run tells at every step, and whether something in it is not to wait. */
const NEWS: { [N in SubscriptionName]?: (event: Event<N>, last: Event<N>) => boolean } = {
  status: (event, last) => standing(event) !== standing(last),
  runs: (event, last) => states(event) !== states(last),
  curves: ({ restart, outline }) => restart || outline !== undefined,
};

/** A status but for what goes on by itself while steps are made. */
function standing({ active, preparing, notices }: Event<'status'>): string {
  const step = active?.phase === 'training' ? null : active?.step;
  const { run, phase, delay_ms, knobs } = active ?? {};
  return JSON.stringify([
    run,
    phase,
    delay_ms,
    knobs,
    step,
    preparing,
    notices.map(({ id }) => id),
  ]);
}

const states = ({ runs, unread }: Event<'runs'>): string =>
  JSON.stringify([unread, runs.map(({ run, name, state }) => [run, name, state])]);

/** The page's document, as far as it tells whether somebody sees it. */
interface Seen {
  readonly visibilityState: DocumentVisibilityState;
  addEventListener(kind: 'visibilitychange', listener: () => void): void;
}

/**
 * A client for a page beside a training: what comes at every step is handed over together, a few times a
 * second, so that the page makes one frame of it; beginnings and changes of state at once. Nothing of a
 * lossless subscription is left out.
 */
export function paced(client: Client, page: Seen, timers: Timers = systemTimers): Client {
  const slots = inSlots(timers, NEWS_MS);
  const waiting = new Set<() => void>();
  page.addEventListener('visibilitychange', () => {
    if (page.visibilityState === 'visible') for (const give of [...waiting]) give();
  });

  function subscribe<N extends SubscriptionName>(
    name: N,
    input: Parameters<Client['subscribe']>[1],
    onEvent: (event: Event<N>) => void | Promise<void>,
    options: SubscribeOptions = {},
  ): () => void {
    const prompt = NEWS[name];
    if (!prompt) return client.subscribe(name, input as never, onEvent, options);
    let events: Event<N>[] = [];
    let last: Event<N> | undefined;
    let timer: unknown;
    const rest = (): void => {
      if (timer !== undefined) slots.clear(timer);
      timer = undefined;
      waiting.delete(give);
    };
    const give = (): void => {
      rest();
      const given = events;
      events = [];
      for (const event of given) void onEvent(event);
    };
    const take = (event: Event<N>): void => {
      const before = last;
      last = event;
      // Of what is told whole each time the newest is enough.
      if (name === 'curves') events.push(event);
      else events = [event];
      if (before === undefined || prompt(event, before)) return give();
      if (timer !== undefined) return;
      waiting.add(give);
      timer = slots.set(give, page.visibilityState === 'visible' ? 0 : UNSEEN_MS);
    };
    const end = client.subscribe(name, input as never, take, {
      ...options,
      onReset: () => {
        events = [];
        rest();
        options.onReset?.();
      },
    });
    return () => {
      rest();
      end();
    };
  }

  return {
    request: (...asked) => client.request(...asked),
    subscribe,
    onState: (listener) => client.onState(listener),
    close: () => client.close(),
    get state() {
      return client.state;
    },
    get hello() {
      return client.hello;
    },
  };
}
