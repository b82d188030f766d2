import { execFile } from 'node:child_process';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

const CLI = resolve(import.meta.dirname, '../out/main/cli.cjs');

/** Trains a tiny run in the workspace from the command line; returns its id. */
export async function storedRun(workspace: string, ...settings: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [
      ...[CLI, 'train', '--workspace', workspace, '--preset', 'tiny', '--data', 'digits', '--json'],
      ...['--set', 'training.validate_every=20', '--set', 'sample_every=20'],
      ...settings,
    ],
    { maxBuffer: 64 * 1024 * 1024, cwd: join(CLI, '../..') },
  );
  return runIn(stdout);
}

/** Trains a branch of a run from its checkpoint at `step` on to `steps`; returns its id. */
export async function branchOf(
  workspace: string,
  run: string,
  step: number,
  steps: number,
  ...settings: string[]
): Promise<string> {
  const args = [CLI, 'branch', run, '--workspace', workspace, '--json', '--step', `${step}`];
  const set = settings.flatMap((setting) => ['--set', setting]);
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [...args, '--steps', `${steps}`, ...set],
    { maxBuffer: 64 * 1024 * 1024, cwd: join(CLI, '../..') },
  );
  return runIn(stdout);
}

function runIn(stdout: string): string {
  const run = /"run":\s*"([^"]+)"/.exec(stdout)?.[1];
  if (run === undefined) throw new Error(`the command line named no run: ${stdout.slice(0, 500)}`);
  return run;
}

/** Draws a run's pictures from its newest checkpoint, with its own settings, into `file`. */
export async function sampleStored(workspace: string, run: string, file: string): Promise<void> {
  const args = [CLI, 'sample', run, '--workspace', workspace, '--out', file];
  await promisify(execFile)(process.execPath, args, { cwd: join(CLI, '../..') });
}
