import { z } from 'zod';
import { RunConfigSchema } from '../config/run-config';
import { SettingSchema } from '../config/settings';
import { MAX_SWEEP } from '../config/sweep';
import { RunId } from './contract-basics';

/** `interrupted`: it has a run that goes on from its newest checkpoint when its turn comes. */
export const JOB_STATES = [
  'queued',
  'interrupted',
  'running',
  'done',
  'failed',
  'cancelled',
] as const;
export type JobState = (typeof JOB_STATES)[number];

/** Who asked for a job. */
export const AskedSchema = z.strictObject({
  by: z.enum(['notebook', 'command line']),
  notebook: z.string().max(120).optional(),
  /** Id of its train cell. */
  cell: z.string().max(41).optional(),
});
export type Asked = z.infer<typeof AskedSchema>;

/** Issued by the store, never again for another job. */
const JobId = z.number().int().positive();
const jobs = z.array(JobId).min(1).max(1000);
const SweepId = z.string().max(40);

export const DiffersSchema = z.array(SettingSchema).max(20);

const QueueJob = z.object({
  job: JobId,
  state: z.enum(JOB_STATES),
  run: RunId.nullable(),
  /** Why it failed, or was ended early, in a sentence. */
  problem: z.string().nullable(),
  preset: z.string(),
  data: z.string(),
  steps: z.number().int().nonnegative(),
  /** Estimated time of training from its first step; null where this machine cannot say. */
  seconds: z.number().nullable(),
  /** Also the tag of its runs. */
  sweep: SweepId.nullable(),
  /** What it has other than the jobs of its sweep. */
  differs: DiffersSchema,
  asked: AskedSchema,
  /** Another process trains it, or has reserved it. */
  elsewhere: z.boolean(),
  /** Unix ms. */
  added: z.number(),
});
export type QueueJob = z.infer<typeof QueueJob>;

const empty = z.strictObject({});
const configs = z.array(RunConfigSchema).min(1).max(MAX_SWEEP);

export const queueRequests = {
  /** Whether each can be trained on its data, null or why not, and how long it should take. */
  'queue.check': {
    input: z.strictObject({ configs }),
    output: z.object({
      problems: z.array(z.string().nullable()),
      seconds: z.array(z.number().nullable()),
    }),
  },
  /**
   * At the end of the queue. All or none: `bad_config` names the first that cannot be trained.
   * `then`, start: a queue in which nothing waited starts with it, the default. wait: nothing
   * starts. reserve: nothing starts, and no other engine takes them while this one lives.
   */
  'queue.add': {
    input: z.strictObject({
      jobs: z
        .array(z.strictObject({ config: RunConfigSchema, differs: DiffersSchema }))
        .min(1)
        .max(MAX_SWEEP),
      asked: AskedSchema,
      /** They belong together: a sweep. */
      sweep: z.boolean(),
      then: z.enum(['start', 'wait', 'reserve']).optional(),
    }),
    output: z.object({ jobs: z.array(JobId), sweep: SweepId.nullable() }),
  },
  /** A waiting job to the place before another, or to the end. */
  'queue.move': { input: z.strictObject({ job: JobId, before: JobId.nullable() }), output: empty },
  /** Waiting jobs; they can be restored until they are cleared. */
  'queue.remove': {
    input: z.strictObject({ jobs }),
    output: z.object({ removed: z.array(JobId) }),
  },
  'queue.restore': { input: z.strictObject({ jobs }), output: empty },
  /** A job that has ended, at the end of the queue: a stopped run goes on, else a new one begins. */
  'queue.retry': { input: z.strictObject({ job: JobId }), output: empty },
  /** Forgets the jobs that have ended; their runs stay. */
  'queue.clear': { input: empty, output: z.object({ cleared: z.number().int() }) },
  /** The next job starts whenever nothing trains. */
  'queue.start': { input: z.strictObject({ sweep: SweepId.optional() }), output: empty },
  /** No other job is started; with `interrupt` the one that trains stops, to be continued. */
  'queue.pause': { input: z.strictObject({ interrupt: z.boolean().optional() }), output: empty },
} as const;

export const queueSubscriptions = {
  /** What trains first, what waits in its order, then what has ended, the latest first. */
  queue: {
    delivery: 'latest',
    input: empty,
    event: z.object({ running: z.boolean(), jobs: z.array(QueueJob) }),
  },
} as const;
