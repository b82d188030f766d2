import { inSlots, systemTimers } from '@shared/protocol/timers';

/** Who wants to know when something changed: names to listeners, no payloads; and what they then read. */
export class Topics {
  private readonly listeners = new Map<string, Set<() => void>>();
  private readonly read = new Map<string, unknown>();

  /**
   * Returns the function that ends the listening. With `everyMs` the listener is called at multiples of
   * that alone, at which all do who chose the same.
   */
  listen(topic: string, listener: () => void, everyMs = 0): () => void {
    const set = this.listeners.get(topic) ?? new Set();
    const timers = inSlots(systemTimers, everyMs);
    let waits: unknown;
    const later = (): void => {
      waits ??= timers.set(() => {
        waits = undefined;
        listener();
      }, 0);
    };
    const told = everyMs > 0 ? later : listener;
    this.listeners.set(topic, set.add(told));
    return () => {
      set.delete(told);
      if (waits !== undefined) timers.clear(waits);
    };
  }

  /**
   * What `read` gives, which sources that stand at the same `place` in the same turn get too: it is read
   * once for all windows.
   */
  once<T>(place: string, read: () => T): T {
    if (this.read.has(place)) return this.read.get(place) as T;
    const value = read();
    // Behind the pulls that wait already.
    if (this.read.size === 0) queueMicrotask(() => this.read.clear());
    this.read.set(place, value);
    return value;
  }

  changed(...topics: string[]): void {
    this.read.clear();
    for (const topic of topics) this.listeners.get(topic)?.forEach((listener) => listener());
  }
}

export const topic = {
  status: 'status',
  /** A step was made: the status is another, and nothing but what was to be expected has changed. */
  progress: 'progress',
  runs: 'runs',
  /** The same of the list of runs, once a second. */
  beat: 'beat',
  queue: 'queue',
  /** Rows were dropped: row numbers begin anew. */
  rewound: (run: string): string => `rewound ${run}`,
  curves: (run: string): string => `curves ${run}`,
  journal: (run: string): string => `journal ${run}`,
  samples: (run: string): string => `samples ${run}`,
  prototypes: (run: string): string => `prototypes ${run}`,
  labels: (run: string): string => `labels ${run}`,
};
