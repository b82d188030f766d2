import { KNOBS } from '@shared/config/knobs';
import type { KnobName } from '@shared/config/knobs';

/** Settings as the forms of the cells name them, those that are swept most often first. */
const LABELS: Readonly<Record<string, string>> = {
  'model.k': 'Prototypes',
  seed: 'Seed',
  'model.variant': 'Variant',
  'training.steps': 'Steps',
  'training.batch_size': 'Batch',
  'training.accumulate': 'Batches a step',
  'training.warmup_steps': 'Warm-up',
  'model.prediction': 'UNet predicts',
  'model.assignment': 'Assignment',
  'model.attention': 'Attention',
  'model.precision': 'Precision',
  'training.loss_weighting': 'Loss weights',
  'training.min_snr_gamma': 'SNR limit γ',
  'training.t_sampling': 'Timesteps drawn',
  'training.condition_dropout': 'Condition dropout',
  'training.prototype_steps': 'Prototype steps',
  'diffusion.timesteps': 'Timesteps',
  'diffusion.beta_schedule': 'Noise schedule',
  'data.image_size': 'Image size',
};
const ORDER = Object.keys(LABELS);

/** A knob by its words, another setting by its own, the rest by their path without underscores. */
export function settingLabel(name: string): string {
  return Object.hasOwn(KNOBS, name)
    ? KNOBS[name as KnobName].label
    : (LABELS[name] ?? name.replace(/_/g, ' '));
}

/** Where a setting stands in a list to choose from: the knobs, those with words, the others. */
export function settingRank(name: string): number {
  if (Object.hasOwn(KNOBS, name)) return -1;
  const at = ORDER.indexOf(name);
  return at < 0 ? ORDER.length : at;
}
