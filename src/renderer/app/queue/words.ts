import type { JobState } from '@shared/protocol/contract-queue';
import type { Mark } from '../../components/states';

export const JOB_MARKS: Record<JobState, Mark> = {
  queued: 'queued',
  interrupted: 'lost',
  running: 'running',
  done: 'finished',
  failed: 'failed',
  cancelled: 'stopped',
};

export const JOB_WORDS: Record<JobState, string> = {
  queued: 'Waits',
  interrupted: 'Interrupted, goes on from its last checkpoint',
  running: 'Running',
  done: 'Done',
  failed: 'Failed',
  cancelled: 'Cancelled',
};
