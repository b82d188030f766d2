import { AppError } from '@shared/errors';
import type { RunSummary } from '@shared/protocol/contract';
import { entries } from './fs-port';
import type { FsPort } from './fs-port';
import { STORE_FILE } from './run-folder';
import type { RunFolder } from './run-folder';
import { parseRunId } from './run-name';

/** A run that cannot be read, as the list shows it: failed, with what is wrong, lost and left. */
export function quarantined(fs: FsPort, folder: RunFolder, error: unknown): RunSummary {
  const named = parseRunId(folder.run);
  const { message, remedy } = AppError.from(error);
  return {
    run: folder.run,
    name: named?.name ?? folder.run,
    state: 'failed',
    step: 0,
    steps: 0,
    preset: 'unknown',
    data: 'unknown',
    created: named?.created ?? 0,
    colour: 0,
    last_checkpoint: null,
    parent: null,
    ...{ tags: [], starred: false, kept: [] },
    problem: [message, leftIn(fs, folder), remedy].filter(Boolean).join(' '),
  };
}

/** What a person may still take out of the folder by hand. */
function leftIn(fs: FsPort, folder: RunFolder): string {
  const steps = (path: string): number[] =>
    safeNames(fs, path)
      .map((name) => Number(/^step_(\d+)/.exec(name)?.[1]))
      .sort((a, b) => a - b);
  const checkpoints = steps(folder.checkpoints);
  const samples = steps(folder.samples);
  if (checkpoints.length + samples.length === 0) {
    return 'Its record cannot be read, and it has no checkpoint or picture.';
  }
  const files = [
    checkpoints.length === 0 ? '' : `the checkpoints of step ${checkpoints.join(', ')}`,
    samples.length === 0 ? '' : `${samples.length} picture${samples.length === 1 ? '' : 's'}`,
  ];
  return `Its record cannot be read; its folder still has ${files.filter(Boolean).join(' and ')}.`;
}

/** None where the folder itself cannot be read: the error that is told first says so. */
function safeNames(fs: FsPort, path: string): string[] {
  try {
    return entries(fs, path)
      .map(({ name }) => name)
      .filter((name) => STORE_FILE.test(name));
  } catch (error) {
    if (error instanceof Error) return [];
    throw error;
  }
}
