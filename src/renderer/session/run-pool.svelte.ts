import type { Client } from '@shared/protocol/client';
import { RunSession } from './run-session.svelte';

/**
 * The runs that are on the screen, each followed once: opened for the first owner that wants it,
 * closed with the last. An owner is a cell that shows runs, or the document for its train cells.
 */
export class RunPool {
  private open = $state.raw<ReadonlyMap<string, RunSession>>(new Map());
  private readonly wants = new Map<string, readonly string[]>();

  constructor(private readonly engine: Client) {}

  get(run: string): RunSession | undefined {
    return this.open.get(run);
  }

  get all(): RunSession[] {
    return [...this.open.values()];
  }

  /** Says which runs an owner shows from now on; an empty list lets go. */
  want(owner: string, runs: readonly string[]): void {
    if (runs.length > 0) this.wants.set(owner, runs);
    else this.wants.delete(owner);
    const wanted = new Set([...this.wants.values()].flat());
    const kept = new Map([...this.open].filter(([run]) => wanted.has(run)));
    const fresh = [...wanted].filter((run) => !kept.has(run));
    if (fresh.length === 0 && kept.size === this.open.size) return;
    for (const [run, session] of this.open) if (!kept.has(run)) session.close();
    for (const run of fresh) {
      const session = new RunSession(this.engine, run);
      kept.set(run, session);
      session.open();
    }
    this.open = kept;
  }
}
