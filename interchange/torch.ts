import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A script beside this file, run by the Python that index.mjs prepared; its errors are shown. */
export function python(script: string, ...args: string[]): void {
  const command = process.env['PROTODIFF_TORCH_PYTHON'];
  if (command === undefined) throw new Error('Run this by: npm run test:interchange');
  execFileSync(command, [join(import.meta.dirname, script), ...args], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, HF_HUB_OFFLINE: '1' },
  });
}

export type Job =
  | { do: 'fresh'; folder: string; out: string; seed: number }
  | { do: 'eps'; folder: string; weights: string; inputs: string; out: string };

/** Jobs of run_model.py, in one process: loading PyTorch takes longer than they do. */
export function runJobs(folder: string, jobs: Job[]): void {
  const file = join(folder, 'jobs.json');
  writeFileSync(file, JSON.stringify(jobs));
  python('run_model.py', file);
}
