import { join } from 'node:path';
import { AppError } from '@shared/errors';
import { statOrNull } from './fs-port';
import type { FsPort } from './fs-port';
import { RUN_ID } from './run-name';

/** Where things lie in a run's folder. */
export interface RunFolder {
  readonly run: string;
  readonly path: string;
  readonly origin: string;
  readonly database: string;
  readonly lock: string;
  readonly checkpoints: string;
  readonly samples: string;
}

export function runsPath(root: string): string {
  return join(root, 'runs');
}

export function layout(run: string, path: string): RunFolder {
  return {
    run,
    path,
    origin: join(path, 'run.json'),
    database: join(path, 'run.sqlite'),
    lock: join(path, 'lock'),
    checkpoints: join(path, 'checkpoints'),
    samples: join(path, 'samples'),
  };
}

/** @throws AppError not_found unless the workspace has a folder (not a link) of that name */
export function findRun(fs: FsPort, root: string, run: string): RunFolder {
  const folder = layout(run, join(runsPath(root), run));
  if (!RUN_ID.test(run) || statOrNull(fs, folder.path)?.isDirectory() !== true) {
    throw new AppError('not_found', `There is no run "${run.slice(0, 100)}".`, {
      remedy: 'Choose one of the runs in the list.',
    });
  }
  return folder;
}

/** `step_00001000` */
export function stepName(step: number): string {
  return `step_${String(step).padStart(8, '0')}`;
}

/** Names that the store gives to checkpoints and samples, and so may remove. */
export const STORE_FILE = /^step_\d{8,}(\.\d+)?\.(safetensors|png)$/;
