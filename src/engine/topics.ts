/** Who wants to know when something changed: names to listeners, no payloads. */
export class Topics {
  private readonly listeners = new Map<string, Set<() => void>>();

  /** Returns the function that ends the listening. */
  listen(topic: string, listener: () => void): () => void {
    const set = this.listeners.get(topic) ?? new Set();
    this.listeners.set(topic, set.add(listener));
    return () => set.delete(listener);
  }

  changed(...topics: string[]): void {
    for (const topic of topics) this.listeners.get(topic)?.forEach((listener) => listener());
  }
}

export const topic = {
  status: 'status',
  runs: 'runs',
  queue: 'queue',
  /** Rows were dropped: row numbers begin anew. */
  rewound: (run: string): string => `rewound ${run}`,
  curves: (run: string): string => `curves ${run}`,
  journal: (run: string): string => `journal ${run}`,
  samples: (run: string): string => `samples ${run}`,
  prototypes: (run: string): string => `prototypes ${run}`,
  labels: (run: string): string => `labels ${run}`,
};
