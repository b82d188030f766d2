import type { JournalPlan } from '@shared/config/journal';
import { configFor } from '@shared/config/presets';
import type { RunConfig } from '@shared/config/run-config';
import { checkpointSha256 } from '../../store/checkpoints';
import type { RunStore, RunWriter } from '../../store/port';
import { Topics } from '../topics';
import { stripes } from '../training/testing';
import { Jobs } from './jobs';
import type { OpenRun } from './open';
import { RunSession } from './session';
import type { Notify } from './recorder';

export const STEPS = 32;

// 40 images, 4 held out, in batches of 8: an epoch ends every 4.5 steps. Warm-up until step 10.
export const config: RunConfig = configFor('tiny', { kind: 'digits' });
config.data = { ...config.data, validation: 4 };
config.model = { ...config.model, variant: 'pdm' };
config.training = {
  ...config.training,
  ...{ steps: STEPS, warmup_steps: 10, checkpoint_every: 7, validate_every: 12 },
  ...{ probe_every: 9, keep_checkpoints: 3 },
};
config.knobs = { ...config.knobs, sample_every: 11 };
export const plan: JournalPlan = [
  { at_step: 6, change: { lr: 5e-3 } },
  { at_step: 20, change: { tau: 0.5, ema_decay: 0.8 } },
];

export const dataset = stripes(config);

export function created(store: RunStore): RunWriter {
  const { name, fingerprint, count: images } = dataset;
  return store.create({ config, plan, versions: {}, data: { name, fingerprint, images } });
}

/** The session of an opened run, its notices told to `notify`. */
export function go(opened: OpenRun, notify: Notify = unexpected): RunSession {
  const box: { session?: RunSession } = {};
  const jobs = new Jobs(() => box.session?.holdsJobs ?? false);
  const session = new RunSession(opened, 'a run', new Topics(), notify, jobs);
  box.session = session;
  return session;
}

/** All that two runs must have in common: the state, its history, how it was steered. */
export function traceOf(store: RunStore, run: string, last = STEPS): object {
  const { tensors, metadata } = store.loadCheckpoint(run, last);
  const { keys, step, values } = store.metrics(run, 0, 1000);
  const exact = keys.flatMap((key, i) =>
    /^(train\/(?!images_per_s)|val\/|proto\/(?!swap))/.test(key) ? [i] : [],
  );
  return {
    state: checkpointSha256(tensors),
    assignments: metadata.assignments,
    next_batch: metadata.next_batch,
    steps: [...step],
    history: [...step].map((_, row) => exact.map((i) => values[row * keys.length + i])),
    journal: store
      .read(run)
      .journal.map(({ applied_at_step, knob, value }) => [applied_at_step, knob, value]),
    acts: store.read(run).acts.map(({ applied_at_step, act }) => [applied_at_step, act]),
  };
}

const unexpected: Notify = (_level, message) => {
  throw new Error(message);
};
