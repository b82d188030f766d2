import { RunConfigSchema } from './run-config';
import type { RunConfig } from './run-config';

/** One setting that differs, by its path (`training.batch_size`). */
export interface Difference {
  path: string;
  before: unknown;
  after: unknown;
}

/**
 * What differs between the configuration that a run was made with and a draft. Fields that came
 * later than the run are filled in on both sides, so that an old run is not stale for them.
 */
export function differencesOf(before: RunConfig, after: RunConfig): Difference[] {
  return walk(filled(before), filled(after), '');
}

function filled(config: RunConfig): RunConfig {
  const parsed = RunConfigSchema.safeParse(config);
  return parsed.success ? parsed.data : config;
}

function walk(before: unknown, after: unknown, path: string): Difference[] {
  if (isTable(before) && isTable(after)) {
    return [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((key) =>
      walk(before[key], after[key], path === '' ? key : `${path}.${key}`),
    );
  }
  return JSON.stringify(before) === JSON.stringify(after) ? [] : [{ path, before, after }];
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `batch size 32 → 64`. The preset's name is no setting by itself. */
export function differenceWords({ path, before, after }: Difference): string {
  const name = path
    .split('.')
    .slice(path.startsWith('data.source') ? 1 : -1)
    .join(' ');
  return `${name.replace(/_/g, ' ')} ${worded(before)} → ${worded(after)}`;
}

function worded(value: unknown): string {
  if (value === undefined) return 'none';
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return value.toLocaleString('en', { maximumSignificantDigits: 4 });
  return JSON.stringify(value);
}
