import { z } from 'zod';
import { JournalPlanSchema } from '../config/journal';
import { KNOB_NAMES, KnobChangeSchema } from '../config/knobs';
import type { KnobName } from '../config/knobs';
import { DataConfigSchema, RunConfigSchema, SamplingConfigSchema } from '../config/run-config';
import { BankSchema } from '../config/surgery';
import { ERROR_CODES } from '../errors';
import { array, RunId, step } from './contract-basics';
import { notebookRequests } from './contract-notebooks';
import { queueRequests, queueSubscriptions } from './contract-queue';
import { ParentSchema, runRequests } from './contract-runs';
import { ActEntry, prototypeRequests, prototypeSubscriptions } from './contract-prototypes';
import { trajectorySubscriptions } from './contract-trajectories';

/**
 * Everything that a window and an engine can say to each other: flat maps of requests and
 * subscriptions, each with its schemas. Arrays travel as raw bytes beside the JSON header
 * (see frame.ts), so an `array` field may stand at the top level of a body only.
 */
export const PROTOCOL_VERSION = 1;

const empty = z.strictObject({});

/** Derived from the heartbeat when read, never stored. `lost`: no heartbeat, not ended. */
export const RUN_STATES = [
  'queued',
  'running',
  'paused',
  'finished',
  'stopped',
  'failed',
  'lost',
] as const;
export type RunState = (typeof RUN_STATES)[number];

const JournalEntry = z.object({
  /** Order within the run; never reused. */
  seq: z.number().int().nonnegative(),
  applied_at_step: step,
  knob: z.enum(KNOB_NAMES as [KnobName, ...KnobName[]]),
  previous: z.number(),
  value: z.number(),
  /** Unix time, ms. */
  wall: z.number(),
});
export type JournalEntry = z.infer<typeof JournalEntry>;
export type { ActEntry };

const RunEvent = z.object({
  wall: z.number(),
  step,
  kind: z.enum([
    'started',
    'paused',
    'resumed',
    'stopped',
    'finished',
    'failed',
    'recovered',
    'memory', // it ran out, and what was done about it
    'note',
  ]),
  message: z.string(),
});
export type RunEvent = z.infer<typeof RunEvent>;

const Checkpoint = z.object({
  step,
  file: z.string(),
  sha256: z.string(),
  bytes: z.number(),
  wall: z.number(),
});
export type Checkpoint = z.infer<typeof Checkpoint>;

const RunSummary = z.object({
  run: RunId,
  /** What a person calls it; else the human half of the id, e.g. `brisk-heron`. */
  name: z.string(),
  state: z.enum(RUN_STATES),
  step,
  steps: step,
  preset: z.string(),
  data: z.string(),
  created: z.number(),
  /** Index into the run palette: colour and dash are the run's for life. */
  colour: z.number().int().nonnegative(),
  last_checkpoint: step.nullable(),
  /** The run that this one was branched from. */
  parent: ParentSchema.nullable(),
  tags: z.array(z.string()),
  starred: z.boolean(),
  /** Steps whose checkpoints are not thinned out. */
  kept: z.array(step),
  /** Why a run is quarantined or failed, in a sentence. */
  problem: z.string().nullable(),
});
export type RunSummary = z.infer<typeof RunSummary>;

const Backend = z.object({
  /** `tensorflow` is the native one. */
  name: z.enum(['tensorflow', 'webgpu', 'wasm', 'cpu']),
  device: z.enum(['cpu', 'cuda', 'gpu']),
  /** Of the library; of WebGPU the graphics processor. */
  version: z.string(),
  /** One line when this is not the fastest backend the machine could run: why, and what to do. */
  why: z.string().nullable(),
});
export type Backend = z.infer<typeof Backend>;

const Activity = z.object({
  run: RunId,
  name: z.string(),
  phase: z.enum(['preparing', 'training', 'sampling', 'saving', 'paused']),
  step,
  steps: step,
  epoch: z.number(),
  step_s: z.number().nullable(),
  images_per_s: z.number().nullable(),
  eta_s: z.number().nullable(),
  /** Slow motion, ms between the starts of two steps; 0 at full speed. */
  delay_ms: z.number().min(0),
  loss: z.number().nullable(),
  knobs: z.record(z.string(), z.number()),
  next_sample_step: step,
  last_checkpoint: z.object({ step, wall: z.number() }).nullable(),
});
export type Activity = z.infer<typeof Activity>;

/** A run on its way to its first step, which keeps an engine busy for seconds. */
const Preparing = z.object({
  /** Null while the run has no folder yet. */
  run: RunId.nullable(),
  /** E.g. `recording the step`. */
  doing: z.string(),
});
export type Preparing = z.infer<typeof Preparing>;

const Notice = z.object({
  id: z.string(),
  level: z.enum(['info', 'warning', 'error']),
  message: z.string(),
  remedy: z.string().optional(),
  wall: z.number(),
});
export type Notice = z.infer<typeof Notice>;

const SampleSettings = SamplingConfigSchema.extend({
  run: RunId,
  step,
  /** Prototype (or class) of each image; for `per_step` draws the one at the last step. */
  prototypes: z.array(z.number().int()),
  seconds: z.number(),
});
export type SampleSettings = z.infer<typeof SampleSettings>;

const Images = array<Uint8Array>(); // [N, H, W, C] u8

export const requests = {
  hello: {
    input: z.strictObject({ protocol: z.number().int() }),
    output: z.object({
      protocol: z.number().int(),
      app_version: z.string(),
      capabilities: z.array(z.string()),
      backend: Backend,
      machine: z.object({ cores: z.number(), memory_bytes: z.number() }),
      workspace: z.object({ path: z.string(), free_bytes: z.number() }),
    }),
  },
  'data.describe': {
    input: z.strictObject({ data: DataConfigSchema }),
    output: z.object({
      name: z.string(),
      images: z.number().int(),
      height: z.number().int(),
      width: z.number().int(),
      channels: z.number().int(),
      /** Empty where the source has no labels. */
      classes: z.array(z.object({ name: z.string(), count: z.number().int() })),
      fingerprint: z.string(),
      skipped: z.array(z.object({ what: z.string(), reason: z.string() })),
      skipped_total: z.number().int(),
      thumbnails: Images,
    }),
  },
  'model.estimate': {
    input: z.strictObject({ config: RunConfigSchema }),
    output: z.object({
      parameters: z.number().int(),
      memory_bytes: z.number(),
      /** Seconds a step; null until this machine has run such a model. */
      step_s: z.number().nullable(),
      /** Seconds a step of this model at each precision, where this engine has trained it so. */
      measured_s: z.object({ f32: z.number().nullable(), bf16: z.number().nullable() }),
      warnings: z.array(z.string()),
    }),
  },
  'runs.list': { input: empty, output: z.object({ runs: z.array(RunSummary) }) },
  'run.get': {
    input: z.strictObject({ run: RunId }),
    output: z.object({
      summary: RunSummary,
      config: RunConfigSchema,
      plan: JournalPlanSchema,
      /** In the data set, those held out included. */
      images: z.number().int(),
      knobs: z.record(z.string(), z.number()),
      journal: z.array(JournalEntry),
      acts: z.array(ActEntry),
      /** The prototypes that the run began with; `acts` tell which it has now. */
      bank: BankSchema,
      checkpoints: z.array(Checkpoint),
      events: z.array(RunEvent),
    }),
  },
  'run.start': {
    input: z.strictObject({
      config: RunConfigSchema,
      /** Knob changes that the run makes by itself: the replay of a journal. */
      plan: JournalPlanSchema.optional(),
    }),
    output: z.object({ run: RunId }),
  },
  'run.continue': {
    input: z.strictObject({ run: RunId }),
    output: z.object({ run: RunId, from_step: step }),
  },
  /** As `run.continue`, with half the rate; what came after the checkpoint is dropped. */
  'run.rollback': {
    input: z.strictObject({ run: RunId }),
    output: z.object({ run: RunId, from_step: step, lr: z.number() }),
  },
  'run.pause': { input: z.strictObject({ run: RunId }), output: z.object({ step }) },
  'run.resume': { input: z.strictObject({ run: RunId }), output: z.object({ step }) },
  'run.stop': { input: z.strictObject({ run: RunId }), output: z.object({ step }) },
  'run.sample': { input: z.strictObject({ run: RunId }), output: z.object({ step }) },
  'run.checkpoint': { input: z.strictObject({ run: RunId }), output: z.object({ step }) },
  /** One step of a paused run; `step` is what it will have reached. */
  'run.step': { input: z.strictObject({ run: RunId }), output: z.object({ step }) },
  /** Slow motion: least time between the starts of two steps, ms. Not journaled; 0 is full speed. */
  'run.pace': {
    input: z.strictObject({ run: RunId, delay_ms: z.number().int().min(0).max(10_000) }),
    output: z.object({ step }),
  },
  'knobs.set': {
    input: z.strictObject({ run: RunId, change: KnobChangeSchema }),
    output: z.object({ entries: z.array(JournalEntry) }),
  },
  'samples.list': {
    input: z.strictObject({ run: RunId }),
    output: z.object({ steps: z.array(step) }),
  },
  'samples.get': {
    input: z.strictObject({ run: RunId, step }),
    output: z.object({ settings: SampleSettings, images: Images }),
  },
  ...notebookRequests,
  ...runRequests,
  ...queueRequests,
  ...prototypeRequests,
} as const;

/** What goes on by itself while a run trains is told so often at most; all else at once. Default: as it comes. */
const going = { every_ms: z.number().int().min(0).max(10_000).optional() };

/**
 * `lossless` streams coalesce while a client is slow: one event carries all that was missed.
 * `latest` streams drop what a newer event replaces.
 */
export const subscriptions = {
  status: {
    delivery: 'latest',
    input: z.strictObject(going),
    event: z.object({
      active: Activity.nullable(),
      preparing: Preparing.optional(),
      memory: z.object({ rss_bytes: z.number(), total_bytes: z.number() }),
      notices: z.array(Notice),
    }),
  },
  /** `unread`: as many older runs, seen for the first time, are still being read and follow. */
  runs: {
    delivery: 'latest',
    input: z.strictObject(going),
    event: z.object({ runs: z.array(RunSummary), unread: z.number().int().nonnegative() }),
  },
  /**
   * The whole history first, in order, then what is new; at most one event every 100 ms. Where
   * `outline` is asked for, an outline of a long history comes before it.
   */
  curves: {
    delivery: 'lossless',
    input: z.strictObject({ run: RunId, outline: z.boolean().optional(), ...going }),
    event: z.object({
      run: RunId,
      /** The history begins anew with this event: what came before it no longer holds. */
      restart: z.boolean(),
      /**
       * The event holds only rows at which a metric is lowest or highest for a while, of so many
       * that follow from the first on.
       */
      outline: z.number().int().positive().optional(),
      keys: z.array(z.string()),
      step: array<Float64Array>(), // [n]
      wall: array<Float64Array>(), // [n] Unix ms
      active: array<Float64Array>(), // [n] seconds of training, pauses left out
      values: array<Float64Array>(), // [n, keys]; NaN where a row lacks the key
    }),
  },
  journal: {
    delivery: 'lossless',
    input: z.strictObject({ run: RunId }),
    event: z.object({
      run: RunId,
      /** The journal begins anew with this event: what came before it no longer holds. */
      restart: z.boolean(),
      entries: z.array(JournalEntry),
      acts: z.array(ActEntry),
    }),
  },
  samples: {
    delivery: 'latest',
    input: z.strictObject({ run: RunId }),
    event: z.object({ settings: SampleSettings, images: Images }),
  },
  ...queueSubscriptions,
  ...trajectorySubscriptions,
  ...prototypeSubscriptions,
} as const;

export const ErrorBodySchema = z.object({
  code: z.enum(ERROR_CODES),
  message: z.string(),
  remedy: z.string().optional(),
});

export type RequestName = keyof typeof requests;
export type RequestInput<N extends RequestName> = z.infer<(typeof requests)[N]['input']>;
export type RequestOutput<N extends RequestName> = z.infer<(typeof requests)[N]['output']>;

export type SubscriptionName = keyof typeof subscriptions;
export type SubscriptionInput<N extends SubscriptionName> = z.infer<
  (typeof subscriptions)[N]['input']
>;
export type SubscriptionEvent<N extends SubscriptionName> = z.infer<
  (typeof subscriptions)[N]['event']
>;

export { METRICS } from './contract-metrics';
export type { MetricKey, ValidationMetrics } from './contract-metrics';
