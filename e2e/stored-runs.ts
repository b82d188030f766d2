import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import type { RunConfig } from '../src/shared/config/run-config';
import { notebookFor, printNotebook } from '../src/shared/config/notebook';
import type { Notebook } from '../src/shared/config/notebook';

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

/** The steps that the record of a run has, in its order; also while it trains. */
export async function stepsOf(workspace: string, run: string): Promise<number[]> {
  const args = [CLI, 'query', run, '--workspace', workspace, '--json'];
  const options = { maxBuffer: 64 * 1024 * 1024, cwd: join(CLI, '../..') };
  const { stdout } = await promisify(execFile)(process.execPath, args, options);
  return (JSON.parse(stdout) as { step: number[] }).step;
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

async function configOf(workspace: string, run: string): Promise<RunConfig> {
  const text = await readFile(join(workspace, 'runs', run, 'run.json'), 'utf8');
  return (JSON.parse(text) as { config: RunConfig }).config;
}

/** Writes a notebook whose train cell has the run, with more cells at its end. */
export async function notebookOf(
  workspace: string,
  run: string,
  title: string,
  note: string,
  ...more: Notebook['cells']
): Promise<void> {
  const { cells, ...notebook } = notebookFor(await configOf(workspace, run), note);
  const own = cells.map((cell) => (cell.kind === 'train' ? { ...cell, run } : cell));
  await mkdir(join(workspace, 'notebooks'), { recursive: true });
  await writeFile(
    join(workspace, 'notebooks', `${title}.json`),
    printNotebook({ ...notebook, cells: [...own, ...more] }),
  );
}

/**
 * A run whose loss was not finite after its last checkpoint, at step 20 of 50,000, in a notebook of
 * its own. That takes more than a window allows to be set: a run that ended well is made one.
 */
export async function spoiltRun(workspace: string): Promise<string> {
  const run = await storedRun(workspace, '--set', 'training.steps=20');
  const folder = join(workspace, 'runs', run);
  const origin = JSON.parse(await readFile(join(folder, 'run.json'), 'utf8')) as {
    config: RunConfig;
  };
  origin.config.training.steps = 50_000;
  await writeFile(join(folder, 'run.json'), JSON.stringify(origin));
  const Libsql = createRequire(import.meta.url)('libsql') as new (path: string) => {
    prepare(sql: string): { run(value: string): void };
    close(): void;
  };
  const db = new Libsql(join(folder, 'run.sqlite'));
  db.prepare("UPDATE ending SET state = 'failed', problem = ?").run(
    'Step 21 is not finite: the total loss became NaN. The first bad tensor is encoder.0.weight.',
  );
  db.close();
  await notebookOf(workspace, run, 'Spoilt', 'Spoilt.');
  return run;
}
