/**
 * `npm run package [-- --linux AppImage deb | --mac | --win]`: the application as a folder of its
 * own in dist/ (Linux by default), or the targets that are asked for.
 */
import { existsSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { join } from 'node:path';
import { LOADED } from '../electron-builder.config.mjs';
import { build } from './build.mjs';
import { folderBytes } from './lib/files.mjs';
import { ROOT } from './lib/places.mjs';
import { lastLine, run } from './lib/run.mjs';
import { SetupError, megabytes, say, sentence } from './lib/say.mjs';
import { provisionElectron } from './provision-electron.mjs';
import { setupTensorFlow } from './setup-tensorflow.mjs';

const BUILDER = join(ROOT, 'node_modules/electron-builder/cli.js');
const PROVIDED = new Set([...builtinModules, 'electron']);

/** The packages that the built files ask for by name. */
function required(folder) {
  const names = new Set();
  for (const file of readdirSync(folder, { recursive: true })) {
    if (!file.endsWith('.cjs')) continue;
    const text = readFileSync(join(folder, file), 'utf8');
    for (const [, wanted] of text.matchAll(/\brequire\(["']([^"']+)["']\)/g)) {
      const name = /^(?:@[^/]+\/)?[^/]+/.exec(wanted)?.[0] ?? wanted;
      if (!/^(\.|node:)/.test(wanted) && !PROVIDED.has(name)) names.add(name);
    }
  }
  return [...names];
}

function checkLoaded() {
  const left = required(join(ROOT, 'out/main')).filter(
    (name) => !LOADED.some((loaded) => loaded.test(name)),
  );
  if (left.length === 0) return;
  throw new SetupError(
    `out/ loads ${left.join(', ')}, which would not be packed.`,
    'Bundle it (electron.vite.config.ts) or name it in LOADED of electron-builder.config.mjs.',
  );
}

try {
  await setupTensorFlow({ flavour: 'cpu' });
  await build();
  checkLoaded();
  const electron = await provisionElectron();
  say(`packaging with Electron ${electron.version}.`);
  rmSync(join(ROOT, 'dist/linux-unpacked'), { recursive: true, force: true });
  const asked = process.argv.slice(2);
  const answer = await run(
    process.execPath,
    [
      ...[BUILDER, '--config', 'electron-builder.config.mjs'],
      ...(asked.length > 0 ? asked : ['--linux', 'dir']),
    ],
    {
      cwd: ROOT,
      env: { ...process.env, PROTODIFF_PACKAGE_ELECTRON: JSON.stringify(electron) },
      onText: (text) => process.stderr.write(text),
    },
  );
  if (answer.code !== 0) throw new SetupError(`electron-builder failed: ${lastLine(answer)}`);
  const folder = join(ROOT, 'dist/linux-unpacked');
  if (existsSync(folder)) say(`${folder} is ready, ${megabytes(folderBytes(folder))}.`);
} catch (error) {
  say(sentence(error));
  process.exitCode = 1;
}
