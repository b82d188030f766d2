import type { Client, SubscribeOptions } from '@shared/protocol/client';
import type {
  SubscriptionEvent,
  SubscriptionInput,
  SubscriptionName,
} from '@shared/protocol/contract';
import { systemTimers } from '@shared/protocol/timers';
import type { Timers } from '@shared/protocol/timers';
import type { Attention, Heed } from './attention';

/** How often a page is told what goes on by itself, ms: each frame takes from the training. */
const NEWS_MS = 400;
/** What comes within this is handed over together, ms. */
export const GATHER_MS: Record<Heed, number> = { used: 40, seen: 2000, unseen: 4000 };

/** What a run tells at every step. */
const PACED = ['status', 'runs', 'curves'] as const;
type Paced = (typeof PACED)[number];

/**
 * A client for a page beside a training: what comes at every step is asked for a few times a second,
 * and handed over in one turn, so that the page makes one frame of it; less often where nobody does
 * anything there. Beginnings are handed over at once. Nothing of a lossless subscription is left out.
 */
export function paced(
  client: Client,
  attention: Pick<Attention, 'heed' | 'onMore'>,
  timers: Timers = systemTimers,
): Client {
  const waiting = new Set<() => void>();
  let timer: unknown;
  const giveAll = (): void => {
    if (timer !== undefined) timers.clear(timer);
    timer = undefined;
    const given = [...waiting];
    waiting.clear();
    for (const give of given) give();
  };
  attention.onMore(giveAll);
  const wait = (give: () => void): void => {
    waiting.add(give);
    timer ??= timers.set(giveAll, GATHER_MS[attention.heed]);
  };

  function subscribePaced<N extends Paced>(
    name: N,
    input: SubscriptionInput<N>,
    onEvent: (event: SubscriptionEvent<N>) => void | Promise<void>,
    options: SubscribeOptions = {},
  ): () => void {
    let begun = false;
    let events: SubscriptionEvent<N>[] = [];
    const give = (): void => {
      const given = events;
      events = [];
      for (const event of given) void onEvent(event);
    };
    const take = (event: SubscriptionEvent<N>): void => {
      // Of what is told whole each time the newest is enough.
      if (name === 'curves') events.push(event);
      else events = [event];
      if (begun) return wait(give);
      begun = true;
      give();
    };
    const onReset = (): void => {
      events = [];
      options.onReset?.();
    };
    const asked = { ...input, every_ms: NEWS_MS };
    const end = client.subscribe(name, asked, take, { ...options, onReset });
    return () => {
      events = [];
      end();
    };
  }

  return {
    request: (...asked) => client.request(...asked),
    subscribe: (name, ...asked) =>
      isPaced(name)
        ? subscribePaced(name, ...(asked as unknown as Tail<typeof name>))
        : client.subscribe(name, ...asked),
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

type Tail<N extends SubscriptionName> = [
  SubscriptionInput<N>,
  (event: SubscriptionEvent<N>) => void | Promise<void>,
  SubscribeOptions?,
];

const isPaced = (name: SubscriptionName): name is Paced =>
  (PACED as readonly SubscriptionName[]).includes(name);
