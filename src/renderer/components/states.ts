import type { RunState } from '@shared/protocol/contract';

/** What a cell can be: a run's states, and those of cells that only read. */
export type Mark = RunState | 'live' | 'done' | 'warning' | 'stale' | 'waits';

export const MARK_WORDS: Record<Mark, string> = {
  queued: 'Queued',
  running: 'Running',
  paused: 'Paused',
  finished: 'Finished',
  stopped: 'Stopped',
  failed: 'Failed',
  lost: 'Lost',
  live: 'Live',
  done: 'Up to date',
  warning: 'Warning',
  stale: 'Stale',
  waits: 'Not started',
};

/** The custom property of a mark's colour. */
export function markColour(mark: Mark): string {
  switch (mark) {
    case 'running':
    case 'live':
      return 'var(--running)';
    case 'warning':
    case 'stale':
      return 'var(--warning)';
    case 'failed':
      return 'var(--failed)';
    case 'lost':
      return 'var(--lost)';
    case 'finished':
    case 'done':
      return 'var(--text3)';
    default:
      return 'var(--queued)';
  }
}
