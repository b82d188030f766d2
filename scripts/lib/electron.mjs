import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { folderBytes, readJson } from './files.mjs';
import { ROOT } from './places.mjs';
import { lastLine, run } from './run.mjs';
import { SetupError, progressBar } from './say.mjs';

const PACKAGE = join(ROOT, 'node_modules/electron');
const BYTES = 125e6; // of the download, about
const BINARY = {
  darwin: 'Electron.app/Contents/MacOS/Electron',
  win32: 'electron.exe',
  linux: 'electron',
};

/** The folder of the Electron that package.json names, if it is on this machine already. */
export function findElectron(env = process.env) {
  const version = readJson(join(PACKAGE, 'package.json'))?.version;
  const name = BINARY[process.platform] ?? 'electron';
  const given = env.ELECTRON_OVERRIDE_DIST_PATH;
  if (given) {
    const executablePath = join(given, name);
    if (existsSync(executablePath))
      return { executablePath, dist: given, version: versionOf(given) };
    throw new SetupError(
      `ELECTRON_OVERRIDE_DIST_PATH names ${given}, which holds no ${name}.`,
      'Correct or unset it.',
    );
  }
  const dist = join(PACKAGE, 'dist');
  const executablePath = join(dist, name);
  const whole = existsSync(executablePath) && existsSync(join(PACKAGE, 'path.txt'));
  return whole && versionOf(dist) === version ? { executablePath, dist, version } : undefined;
}

function versionOf(dist) {
  const path = join(dist, 'version');
  return existsSync(path) ? readFileSync(path, 'utf8').trim().replace(/^v/, '') : undefined;
}

/**
 * The Electron that package.json names, downloaded by its own installer where it is missing.
 *
 * @param {number} idle ms without a byte before the download is given up
 * @throws {SetupError} where it cannot be had
 */
export async function obtainElectron(idle) {
  const there = findElectron();
  if (there !== undefined) return there;
  const installer = join(PACKAGE, 'install.js');
  if (!existsSync(installer)) {
    throw new SetupError('the npm package electron is not installed.', 'Run npm install first.');
  }
  // The installer downloads to the temporary folder: one of its own lets the bytes be counted.
  const partial = mkdtempSync(join(tmpdir(), 'protodiff-electron-'));
  const bar = progressBar('Downloading Electron', BYTES);
  const answer = await run(process.execPath, [installer], {
    cwd: PACKAGE,
    env: {
      ...process.env,
      TMPDIR: partial,
      TEMP: partial,
      TMP: partial,
      ELECTRON_GET_NO_PROGRESS: '1',
    },
    idle,
    progress: () => folderBytes(partial) + folderBytes(join(PACKAGE, 'dist')),
    watch: (bytes) => bar.update(bytes),
  });
  bar.end();
  rmSync(partial, { recursive: true, force: true });
  const found = answer.code === 0 ? findElectron() : undefined;
  if (found !== undefined) return found;
  const why =
    answer.stopped === 'idle'
      ? `no byte came for ${Math.round(idle / 1000)} s`
      : (/^\w*Error: .*/m.exec(answer.stderr)?.[0] ?? lastLine(answer));
  throw new SetupError(`Electron cannot be downloaded (${why}).`);
}

/** Electron's sandbox needs a user that is not root; elsewhere the flag is never given. */
export const sandboxFlags = () =>
  process.platform === 'linux' && process.getuid?.() === 0 ? ['--no-sandbox'] : [];

const setting = (path) => (existsSync(path) ? readFileSync(path, 'utf8').trim() : undefined);

/** Why this Linux does not let Electron's sandbox start, or undefined where it does. */
export function sandboxBlocked(dist) {
  if (process.platform !== 'linux' || process.getuid?.() === 0) return undefined;
  const restricted =
    setting('/proc/sys/kernel/apparmor_restrict_unprivileged_userns') === '1' ||
    setting('/proc/sys/kernel/unprivileged_userns_clone') === '0';
  const helper = statSync(join(dist, 'chrome-sandbox'), { throwIfNoEntry: false });
  const setuid = helper !== undefined && helper.uid === 0 && (helper.mode & 0o4000) !== 0;
  if (!restricted || setuid) return undefined;
  return (
    "this system forbids user namespaces, which Electron's sandbox needs; to allow it here: " +
    `sudo chown root ${dist}/chrome-sandbox && sudo chmod 4755 ${dist}/chrome-sandbox`
  );
}
