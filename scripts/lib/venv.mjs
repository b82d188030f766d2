import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder, which } from './places.mjs';
import { lastLine, run } from './run.mjs';
import { say, SetupError } from './say.mjs';

const HOUR = 3_600_000; // ms

/**
 * A Python in a virtual environment of Protodiff's cache folder that has the packages, made once.
 * @param {string} name of the environment
 * @param {string[]} packages as pip takes them
 * @param {string} works Python that fails where they do not load
 * @throws SetupError saying why there is none
 */
export async function pythonWith(name, packages, works) {
  const base = which('python3', 'python');
  if (base === undefined)
    throw new SetupError('there is no Python.', 'Install Python 3.9 or later.');
  const folder = join(cacheFolder(), name);
  const python = join(folder, process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python');
  const ready = join(folder, 'ready.json');
  const wanted = JSON.stringify(packages);
  if (existsSync(ready) && readFileSync(ready, 'utf8') === wanted && existsSync(python)) {
    return python;
  }
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  say(`making a Python environment with ${packages.join(', ')} in ${folder}, once.`);
  const steps = [
    [base, ['-m', 'venv', folder]],
    [
      python,
      ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-input', ...packages],
    ],
    [python, ['-c', works]],
  ];
  for (const [command, args] of steps) {
    const made = await run(command, args, { timeout: HOUR });
    if (made.code === 0) continue;
    rmSync(folder, { recursive: true, force: true });
    throw new SetupError(`${args.slice(0, 3).join(' ')} failed: ${lastLine(made)}.`);
  }
  writeFileSync(ready, wanted);
  return python;
}
