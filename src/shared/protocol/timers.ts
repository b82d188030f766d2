/** Time as the protocol needs it, so that tests can turn the clock by hand. */
export interface Timers {
  /** Milliseconds from any fixed point. */
  now(): number;
  set(run: () => void, ms: number): unknown;
  clear(timer: unknown): void;
}

/**
 * `timers` whose callbacks fall due at whole multiples of `slotMs`, those of one slot in one turn: many
 * windows that wait for the same news are served together.
 */
export function inSlots(timers: Timers, slotMs: number): Timers {
  interface Job {
    slot: number;
    run(): void;
  }
  const slots = new Map<number, Set<Job>>();
  const open = (slot: number): Set<Job> => {
    const jobs = new Set<Job>();
    slots.set(slot, jobs);
    timers.set(
      () => {
        slots.delete(slot);
        for (const job of jobs) job.run();
      },
      slot * slotMs - timers.now(),
    );
    return jobs;
  };
  return {
    now: () => timers.now(),
    set(run, ms) {
      const slot = Math.ceil((timers.now() + ms) / slotMs);
      const job: Job = { slot, run };
      (slots.get(slot) ?? open(slot)).add(job);
      return job;
    },
    clear(timer) {
      const job = timer as Job;
      slots.get(job.slot)?.delete(job);
    },
  };
}

export const systemTimers: Timers = {
  now: () => Date.now(),
  set: (run, ms) => setTimeout(run, ms),
  clear: (timer) => clearTimeout(timer as ReturnType<typeof setTimeout>),
};
