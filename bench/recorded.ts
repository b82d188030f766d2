import { openStore } from '../src/store';

/** A run as the store has it, in a workspace that another process writes to. */
export interface Recorded {
  run: string;
  state: string;
  steps: number[];
  /** Unix ms of each step. */
  wall: number[];
}

/** The newest run of a workspace; without one the state is `none`. */
export function recorded(workspace: string): Recorded {
  const store = openStore(workspace, { readonly: true });
  try {
    const summary = store.list()[0];
    if (summary === undefined) return { run: '', state: 'none', steps: [], wall: [] };
    const { step, wall } = store.metrics(summary.run, 0, 1e9);
    return { run: summary.run, state: summary.state, steps: [...step], wall: [...wall] };
  } finally {
    store.close();
  }
}

/** Steps a second between two moments, Unix ms. */
export function rateOf({ wall }: Recorded, from: number, to: number): number {
  return wall.filter((at) => at >= from && at < to).length / ((to - from) / 1000);
}
