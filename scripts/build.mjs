/** `npm run build`: makes out/. The other scripts call `build()`, which does nothing when out/ is fresh. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { readJson, withLock, writeJson } from './lib/files.mjs';
import { ROOT } from './lib/places.mjs';
import { run } from './lib/run.mjs';
import { SetupError, say, sentence } from './lib/say.mjs';

const STAMP = join(ROOT, 'out/.stamp');
const PARTS = ['main/cli.cjs', 'main/index.cjs', 'main/engine.cjs', 'renderer/index.html'];
const CONFIGURATION = [
  'electron.vite.config.ts',
  'scripts/lib/icons.mjs',
  'svelte.config.mjs',
  'tsconfig.base.json',
  'package.json',
  'package-lock.json',
];
const SLOW = 4000; // ms after which a silent build says what it is doing

function* sources(folder) {
  const entries = readdirSync(folder, { withFileTypes: true });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* sources(path);
    else if (!/\.test\.ts$/.test(entry.name)) yield path;
  }
}

/** A hash over all that a build reads; contents, not times, so that a checkout costs no build. */
export function sourceHash(root = ROOT) {
  const hash = createHash('sha256');
  const listed = CONFIGURATION.map((name) => join(root, name)).filter((path) => existsSync(path));
  for (const path of [...listed, ...sources(join(root, 'src'))]) {
    hash
      .update(`${path.slice(root.length)}\0`)
      .update(readFileSync(path))
      .update('\0');
  }
  return hash.digest('hex');
}

function isFresh(hash) {
  return (
    readJson(STAMP)?.hash === hash && PARTS.every((part) => existsSync(join(ROOT, 'out', part)))
  );
}

/**
 * Builds out/ where it is older than the sources. Quiet unless it takes long or fails; an installed
 * package has no sources and is left as it is.
 *
 * @param {{force?: boolean}} [options]
 * @throws {SetupError} with the end of the build's output
 */
export async function build({ force = false } = {}) {
  if (!existsSync(join(ROOT, 'src'))) return;
  if (!force && isFresh(sourceHash())) return;
  await withLock(join(ROOT, 'out/.lock'), 'the build', async () => {
    const hash = sourceHash();
    if (!force && isFresh(hash)) return;
    const cli = join(ROOT, 'node_modules/electron-vite/bin/electron-vite.js');
    if (!existsSync(cli)) {
      throw new SetupError('the npm packages are not all installed.', 'Run npm install first.');
    }
    rmSync(STAMP, { force: true });
    const late = setTimeout(() => say('Building.'), SLOW);
    const answer = await run(process.execPath, [cli, 'build'], { cwd: ROOT });
    clearTimeout(late);
    if (answer.code !== 0) {
      process.stderr.write(`${answer.stdout}\n${answer.stderr}\n`.slice(-6000));
      throw new SetupError('the build failed; its output is above.');
    }
    writeJson(STAMP, { hash });
  });
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    await build({ force: process.argv.includes('--force') });
    say('out/ is built.');
  } catch (error) {
    say(sentence(error));
    process.exitCode = 1;
  }
}
