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
 * @param {{index: string, package: string}} [smaller] an index with smaller wheels of one package,
 *   taken from there where it answers
 * @throws SetupError saying why there is none
 */
export async function pythonWith(name, packages, works, smaller) {
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
  const made = async (what, command, args, remedy) => {
    const answer = await run(command, args, { timeout: HOUR });
    if (answer.code === 0) return;
    rmSync(folder, { recursive: true, force: true });
    throw new SetupError(`${what}: ${lastLine(answer)}.`, remedy);
  };
  const flags = ['--quiet', '--disable-pip-version-check', '--no-input', '--retries', '1'];
  const pip = ['-m', 'pip', 'install', ...flags];
  const hint = 'On Debian: apt install python3-venv.';
  await made('python3 -m venv failed', base, ['-m', 'venv', folder], hint);
  if (smaller !== undefined) {
    const args = [...pip, '--index-url', smaller.index, smaller.package];
    const { code } = await run(python, args, { timeout: HOUR });
    if (code !== 0) say(`${smaller.index} did not answer; taking PyPI's larger wheels.`);
  }
  await made(`pip could not install ${packages.join(', ')}`, python, [...pip, ...packages]);
  await made(`${name} does not load`, python, ['-c', works]);
  writeFileSync(ready, wanted);
  return python;
}
