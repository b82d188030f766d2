/**
 * `npm run setup:webgpu [-- --force]`
 *
 * Puts Dawn, which gives Node WebGPU, into the user's cache: this platform's 20 MB out of the npm
 * package `webgpu`, whose other platforms make it ten times as large. Not part of `npm install`.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { withLock } from './lib/files.mjs';
import { cacheFolder, which } from './lib/places.mjs';
import { lastLine, run } from './lib/run.mjs';
import { SetupError, say, sentence } from './lib/say.mjs';

const VERSION = '0.6.2';
const INTEGRITY =
  'sha512-3L4GfmqJLvYUIEWJngEQY+2HQiUlAFkg8+P8NDDj3Xx5hHHIFO/r8JW+ynfqBj7kHN4mbnwO74uB+lrRtLhp4Q==';
const PLATFORMS = {
  'linux-x64': 'linux-x64',
  'linux-arm64': 'linux-arm64',
  'darwin-x64': 'darwin-universal',
  'darwin-arm64': 'darwin-universal',
  'win32-x64': 'win32-x64',
  'win32-arm64': 'win32-arm64',
};
const MINUTES = 60_000; // ms

const folderFor = () => join(cacheFolder(), 'webgpu', VERSION);

async function download(into) {
  const npm = which('npm');
  if (npm === undefined) throw new SetupError('npm is not on PATH.');
  say('Downloading Dawn (51 MB).');
  const args = ['pack', `webgpu@${VERSION}`, '--pack-destination', into];
  const shell = process.platform === 'win32';
  const answer = await run(npm, args, { cwd: into, timeout: 10 * MINUTES, shell });
  const file = join(into, `webgpu-${VERSION}.tgz`);
  if (answer.code !== 0 || !existsSync(file)) {
    throw new SetupError(`npm could not bring webgpu ${VERSION}: ${lastLine(answer)}.`);
  }
  const found = `sha512-${createHash('sha512').update(readFileSync(file)).digest('base64')}`;
  if (found !== INTEGRITY) {
    throw new SetupError(`what npm brought is not webgpu ${VERSION} (its SHA-512 differs).`);
  }
  return file;
}

/** The adapter's name, asked in a process of its own: a driver may take it down. */
async function adapterOf(folder) {
  const script = `
    const dawn = require(${JSON.stringify(join(folder, 'dawn.node'))});
    Object.assign(globalThis, dawn.globals);
    dawn.create([]).requestAdapter({ powerPreference: 'high-performance' }).then((adapter) => {
      const { description, vendor, isFallbackAdapter } = adapter?.info ?? {};
      const name = adapter === null ? null : description || vendor;
      process.stdout.write(JSON.stringify({ name, software: isFallbackAdapter === true }));
      process.exit(0);
    });`;
  const answer = await run(process.execPath, ['-e', script], { timeout: MINUTES });
  if (answer.code !== 0) {
    throw new SetupError(
      `Dawn does not run here: ${/^\w*Error: .*/m.exec(answer.stderr)?.[0] ?? lastLine(answer)}.`,
    );
  }
  return JSON.parse(answer.stdout);
}

async function setup(force) {
  const platform = PLATFORMS[`${process.platform}-${process.arch}`];
  if (platform === undefined) {
    throw new SetupError(`there is no Dawn for ${process.platform} ${process.arch}.`);
  }
  const folder = folderFor();
  await withLock(`${folder}.lock`, 'setting up WebGPU', async () => {
    if (force) rmSync(folder, { recursive: true, force: true });
    if (existsSync(join(folder, 'dawn.node'))) return;
    mkdirSync(dirname(folder), { recursive: true });
    const scratch = mkdtempSync(`${folder}-`);
    try {
      const archive = await download(scratch);
      const parts = [`package/dist/${platform}`, 'package/LICENSE.md'];
      const answer = await run('tar', ['-xzf', archive, '-C', scratch, ...parts]);
      if (answer.code !== 0) {
        throw new SetupError(`tar could not unpack Dawn: ${lastLine(answer)}.`);
      }
      const unpacked = join(scratch, 'package/dist', platform);
      renameSync(join(scratch, 'package/LICENSE.md'), join(unpacked, 'LICENSE.md'));
      rmSync(folder, { recursive: true, force: true });
      renameSync(unpacked, folder);
    } finally {
      rmSync(scratch, { recursive: true, force: true });
    }
  });
  const { name, software } = await adapterOf(folder);
  const where = `Dawn ${VERSION} is in ${folder}.`;
  if (name === null) {
    say(`${where} It finds no graphics processor: it needs a Vulkan, Metal or Direct3D 12 driver.`);
  } else {
    say(
      `${where} It finds ${name}${software ? ', which only imitates a graphics processor' : ''}.`,
    );
    say('PROTODIFF_BACKEND=webgpu trains on it.');
  }
}

const unknown = process.argv.slice(2).find((arg) => arg !== '--force');
if (unknown !== undefined) {
  say(`setup-webgpu does not know ${unknown}; it takes --force.`);
  process.exit(2);
}
try {
  await setup(process.argv.includes('--force'));
} catch (error) {
  say(`WebGPU cannot be had: ${sentence(error)}`);
  process.exitCode = 1;
}
