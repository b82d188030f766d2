/**
 * `npm run test:interchange`: weights between Protodiff and PyTorch, both ways, and golden packs of
 * other shapes that are made there. PyTorch lives in a virtual environment in the user's cache folder.
 * Exit code: 0 all holds, 1 something does not, 77 skipped for want of Python or packages (why: one line).
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder, ROOT, which } from '../scripts/lib/places.mjs';
import { lastLine, run } from '../scripts/lib/run.mjs';
import { say, sentence, SetupError } from '../scripts/lib/say.mjs';

const SKIPPED = 77;
const CPU_WHEELS = 'https://download.pytorch.org/whl/cpu';
const PACKAGES = ['torch>=2.4', 'diffusers>=0.30', 'safetensors', 'numpy', 'pillow'];
const HOUR = 3_600_000; // ms

async function pip(python, args) {
  const flags = ['--quiet', '--disable-pip-version-check', '--no-input', '--retries', '1'];
  return run(python, ['-m', 'pip', 'install', ...flags, ...args], { timeout: HOUR });
}

/** A Python that has the packages. @throws SetupError saying why there is none */
async function environment() {
  if (process.env.PROTODIFF_TORCH_PYTHON) return process.env.PROTODIFF_TORCH_PYTHON;
  const base = which('python3', 'python');
  if (base === undefined)
    throw new SetupError('there is no Python.', 'Install Python 3.9 or later.');
  const folder = join(cacheFolder(), 'interchange');
  const python = join(folder, process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python');
  const ready = join(folder, 'ready.json');
  const wanted = JSON.stringify(PACKAGES);
  if (existsSync(ready) && readFileSync(ready, 'utf8') === wanted && existsSync(python)) {
    return python;
  }
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  say(`making a Python environment with PyTorch in ${folder}, once.`);
  const made = await run(base, ['-m', 'venv', folder], { timeout: HOUR });
  if (made.code !== 0) {
    rmSync(folder, { recursive: true, force: true });
    throw new SetupError(
      `python3 -m venv failed: ${lastLine(made)}.`,
      'On Debian: apt install python3-venv.',
    );
  }
  const [torch, ...rest] = PACKAGES;
  // The CPU's wheels are a tenth of the size; where their index cannot be reached, PyPI's do.
  const cpu = await pip(python, ['--index-url', CPU_WHEELS, torch]);
  if (cpu.code !== 0) say(`${CPU_WHEELS} did not answer; taking PyPI's larger wheels.`);
  const all = await pip(python, [torch, ...rest]);
  if (all.code !== 0) {
    rmSync(folder, { recursive: true, force: true });
    throw new SetupError(`pip could not install ${PACKAGES.join(', ')}: ${lastLine(all)}.`);
  }
  const works = await run(python, ['-c', 'import torch, diffusers, safetensors'], {
    timeout: HOUR,
  });
  if (works.code !== 0) throw new SetupError(`PyTorch does not load: ${lastLine(works)}.`);
  writeFileSync(ready, wanted);
  return python;
}

let python;
try {
  python = await environment();
} catch (thrown) {
  say(`interchange tests skipped: ${sentence(thrown)}`);
  process.exit(SKIPPED);
}
const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs');
const config = join(ROOT, 'interchange/vitest.config.ts');
const { status } = spawnSync(
  process.execPath,
  [vitest, 'run', '--config', config, '--disable-console-intercept', ...process.argv.slice(2)],
  { cwd: ROOT, stdio: 'inherit', env: { ...process.env, PROTODIFF_TORCH_PYTHON: python } },
);
process.exit(status ?? 1);
