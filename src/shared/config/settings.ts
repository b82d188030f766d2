import { z } from 'zod';
import { KNOBS } from './knobs';
import { sentenceOf } from './problems';
import { RunConfigSchema } from './run-config';
import type { RunConfig } from './run-config';

/**
 * Every value of a run's configuration under one name: a knob's own (`lr`), the path of anything
 * else (`model.k`), or a short name for one.
 */
const SHORT_NAMES: Readonly<Record<string, string>> = {
  model: 'model.variant',
  k: 'model.k',
  'prototypes.k': 'model.k',
  size: 'data.image_size',
  warmup: 'training.warmup_steps',
  prediction: 'model.prediction',
  precision: 'model.precision',
  steps: 'training.steps',
  batch: 'training.batch_size',
};

/** What a setting may be: schemas say which it must be. */
export const SettingValueSchema = z.union([
  z.number(),
  z.string().max(4096),
  z.boolean(),
  z.null(),
  z.array(z.union([z.number(), z.string().max(4096)])).max(64),
]);
export type SettingValue = z.infer<typeof SettingValueSchema>;

export const SettingSchema = z.strictObject({
  name: z.string().min(1).max(120),
  value: SettingValueSchema,
});
export type Setting = z.infer<typeof SettingSchema>;

/** The one name of a setting: `prototypes.k` and `model.k` are the same. */
export function settingName(name: string): string {
  if (Object.hasOwn(SHORT_NAMES, name)) return SHORT_NAMES[name] ?? name;
  const [table, knob = ''] = name.split('.', 2);
  return table === 'knobs' && Object.hasOwn(KNOBS, knob) ? knob : name;
}

/** Lays a value into a configuration; the schema judges later. False where there is no such setting. */
export function assignSetting(config: RunConfig, name: string, value: unknown): boolean {
  const full = settingName(name);
  const path = Object.hasOwn(KNOBS, full) ? ['knobs', full] : full.split('.');
  const last = path[path.length - 1] ?? '';
  let place: unknown = config;
  for (const key of path.slice(0, -1)) {
    place = isTable(place) && Object.hasOwn(place, key) ? place[key] : undefined;
  }
  // sampling.prototype is the one setting that presets leave out.
  if (!isTable(place) || !(Object.hasOwn(place, last) || full === 'sampling.prototype'))
    return false;
  place[last] = value;
  return true;
}

/** A value as it is typed: JSON, or else a word such as ddpm, meant as it stands. */
export function valueOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** All settings that a configuration has, the knobs first. */
export function settingsOf({ preset: _name, knobs, ...config }: RunConfig): Setting[] {
  return [...leaves(knobs, ''), ...leaves(config, '')];
}

function leaves(table: Record<string, unknown>, path: string): Setting[] {
  return Object.entries(table).flatMap(([key, value]) => {
    if (isTable(value)) return leaves(value, `${path}${key}.`);
    const known = SettingValueSchema.safeParse(value);
    return known.success ? [{ name: `${path}${key}`, value: known.data }] : [];
  });
}

/** Why a configuration is not valid, or null when it is. */
export function configProblem(config: RunConfig): string | null {
  const checked = RunConfigSchema.safeParse(config);
  if (checked.success) return null;
  return checked.error.issues
    .map((issue) => {
      const words = issue.code === 'custom' ? issue.message : sentenceOf(issue).slice(0, -1);
      return `${settingName(issue.path.join('.'))}: ${words}`;
    })
    .join('; ');
}

/** `lr 0.001, model.k 5` */
export function settingWords(settings: readonly Setting[]): string {
  return settings
    .map(
      ({ name, value }) => `${name} ${typeof value === 'string' ? value : JSON.stringify(value)}`,
    )
    .join(', ');
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
