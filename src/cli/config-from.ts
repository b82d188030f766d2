import { existsSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseJournal } from '@shared/config/journal';
import type { JournalFile } from '@shared/config/journal';
import { KNOBS } from '@shared/config/knobs';
import { PRESET_NAMES, configFor } from '@shared/config/presets';
import type { PresetName } from '@shared/config/presets';
import { RunConfigSchema } from '@shared/config/run-config';
import type { DataSource, RunConfig } from '@shared/config/run-config';
import { assignSetting, configProblem, valueOf } from '@shared/config/settings';
import { AppError } from '@shared/errors';
import { UsageError } from './call';
import type { Call } from './call';
import { nearest } from './help';

/** Settings that have a flag of their own; --set reaches them all, and has the last word. */
const FLAGS = ['model', 'k', 'size', 'lr', 'warmup', 'prediction', 'precision'];

/** The run configuration that a `train` command line asks for, checked by the schema; a journal brings its own. */
export function configFrom(call: Call, journal?: JournalFile): RunConfig {
  const config = journal === undefined ? presetFrom(call) : { ...journal.config };
  if (journal !== undefined) {
    if (call.text('preset') !== undefined) {
      throw new UsageError('A journal brings its configuration: leave --preset out.');
    }
    const data = call.text('data');
    if (data !== undefined) config.data = { ...config.data, source: sourceFrom(data) };
  }
  config.training.batch_size = call.count('batch', 1) ?? config.training.batch_size;
  config.seed = call.count('seed') ?? config.seed;
  return changed(call, config, 'train');
}

/** A configuration with what `--steps` and `--set` change, checked by the schema. */
export function changed(call: Call, config: RunConfig, verb: string): RunConfig {
  config.training.steps = call.count('steps', 1) ?? config.training.steps;
  for (const flag of FLAGS) {
    const value = call.text(flag);
    if (value !== undefined) assign(config, `${flag}=${value}`);
  }
  for (const setting of call.texts('set')) assign(config, setting);
  const problem = configProblem(config);
  if (problem === null) return RunConfigSchema.parse(config);
  throw new AppError('bad_config', `The configuration is not valid. ${problem}.`, {
    remedy: `See: protodiff ${verb} --help`,
  });
}

function presetFrom(call: Call): RunConfig {
  const preset = call.text('preset') ?? 'quick';
  if (isPreset(preset)) return configFor(preset, sourceFrom(call.text('data') ?? 'digits'));
  const meant = nearest(preset, PRESET_NAMES) ?? PRESET_NAMES.join(', ');
  throw new UsageError(`There is no preset "${preset}". Try: ${meant}`);
}

/** The journal file that `--journal` names. @throws AppError bad_config, not_found */
export function journalFrom(call: Call): JournalFile | undefined {
  const file = call.text('journal');
  if (file === undefined) return undefined;
  const path = resolve(file);
  if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) {
    throw new AppError('not_found', `There is no file ${path}.`, {
      remedy: 'Export the journal of a run in its window first.',
    });
  }
  return parseJournal(readFileSync(path, 'utf8'));
}

const isPreset = (name: string): name is PresetName => PRESET_NAMES.includes(name as PresetName);

const CIFAR_NAMES = ['cifar-10-batches-bin', 'data_batch_1.bin', 'test_batch.bin'];

/** A word of ours, CIFAR-10 when its files' names are there, else a folder of images. */
export function sourceFrom(data: string): DataSource {
  if (data === 'digits' || data === 'emoji') return { kind: data };
  const path = resolve(data);
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) {
    throw new AppError('bad_data', `There is no folder ${path}.`, {
      remedy: 'Give --data digits, --data emoji, or the path of a folder that is there.',
    });
  }
  if (!found.isDirectory() && !path.endsWith('.bin')) {
    throw new AppError('bad_data', `${path} is a file, not a folder.`, {
      remedy: 'Give the folder that holds the images, or CIFAR-10 files.',
    });
  }
  const cifar = !found.isDirectory() || CIFAR_NAMES.some((name) => existsSync(join(path, name)));
  return { kind: cifar ? 'cifar10' : 'folder', path };
}

/** `lr=3e-4` sets a knob, `model.k=20` any value of the configuration; the schema judges later. */
function assign(config: RunConfig, setting: string): void {
  const at = setting.indexOf('=');
  if (at < 1) throw new UsageError(`--set takes NAME=VALUE, not "${setting}".`);
  needSetting(config, setting.slice(0, at), valueOf(setting.slice(at + 1)));
}

/** @throws UsageError where there is no such setting, with what may have been meant */
export function needSetting(config: RunConfig, name: string, value: unknown): void {
  if (assignSetting(config, name, value)) return;
  const meant = nearest(name, Object.keys(KNOBS));
  throw new UsageError(
    `There is no setting "${name}".${meant === undefined ? '' : ` Did you mean ${meant}?`} The knobs are ${Object.keys(KNOBS).join(', ')}.`,
  );
}
