import { KNOBS } from '@shared/config/knobs';
import type { KnobName } from '@shared/config/knobs';
import type { RunConfig } from '@shared/config/run-config';
import { settingName } from '@shared/config/settings';
import type { JournalEntry } from '@shared/protocol/contract';

/** One setting over all runs. */
export interface SettingRow {
  /** First part of its path: data, model, …; run for what stands at the top. */
  group: string;
  /** As sweeps and the command line call it: `lr`, `model.k`. */
  name: string;
  /** One a run; of a knob that was changed on the way, every value it had: `1e-3 → 2e-4`. */
  values: string[];
  differs: boolean;
}

type Compared = { config: RunConfig; journal: readonly JournalEntry[] };

/** Every setting of the runs side by side, in the order of the configuration. */
export function settingRows(runs: readonly Compared[]): SettingRow[] {
  const flat = runs.map(({ config, journal }) => withJournal(flatten(config), journal));
  const paths = [...new Set(flat.flatMap((settings) => [...settings.keys()]))];
  return paths.map((path) => {
    const values = flat.map((settings) => settings.get(path) ?? '–');
    const dot = path.indexOf('.');
    return {
      group: dot < 0 ? 'run' : path.slice(0, dot),
      name: settingName(path),
      values,
      differs: new Set(values).size > 1,
    };
  });
}

/** Path to value, in words; lists are one value. */
function flatten(value: object, prefix = ''): Map<string, string> {
  const settings = new Map<string, string>();
  for (const [key, part] of Object.entries(value) as [string, unknown][]) {
    const path = prefix + key;
    if (typeof part === 'object' && part !== null && !Array.isArray(part)) {
      for (const [inner, text] of flatten(part, `${path}.`)) settings.set(inner, text);
    } else settings.set(path, words(part));
  }
  return settings;
}

function withJournal(
  settings: Map<string, string>,
  journal: readonly JournalEntry[],
): Map<string, string> {
  for (const knob of Object.keys(KNOBS) as KnobName[]) {
    const changes = journal.filter((entry) => entry.knob === knob);
    const path = `knobs.${knob}`;
    const way = [settings.get(path), ...changes.map(({ value }) => words(value))];
    if (changes.length > 0) settings.set(path, way.join(' → '));
  }
  return settings;
}

function words(value: unknown): string {
  if (Array.isArray(value)) return value.map(words).join(' × ');
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value !== 'number') return String(value);
  return value !== 0 && Math.abs(value) < 1e-3 ? value.toExponential() : String(value);
}
