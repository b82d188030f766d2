import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { which } from './places.mjs';
import { lastLine, run } from './run.mjs';
import { SetupError, say } from './say.mjs';

const BROWSERS = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const MAC_CHROME = '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome';

/** A Chromium for the served specs: PROTODIFF_CHROMIUM, one on PATH, or Playwright's own. */
export function findChromium() {
  const given = process.env.PROTODIFF_CHROMIUM;
  if (given) return given;
  const found = which(...BROWSERS) ?? (existsSync(MAC_CHROME) ? MAC_CHROME : undefined);
  if (found !== undefined) return found;
  const own = createRequire(import.meta.url)('playwright-core').chromium.executablePath();
  return existsSync(own) ? own : undefined;
}

const needsXvfb = () => process.platform === 'linux' && !process.env.DISPLAY;

/** Debian's packages for what is missing, where this may install them: as root, with apt-get. */
async function installPackages(packages) {
  const apt = which('apt-get');
  if (process.getuid?.() !== 0 || apt === undefined || !existsSync('/etc/debian_version')) return;
  say(`installing ${packages.join(' and ')} with apt-get, for the tests in a window.`);
  const options = {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    timeout: 600_000,
  };
  await run(apt, ['-q', 'update'], options);
  const args = ['-q', '-y', '--no-install-recommends', 'install', ...packages];
  const answer = await run(apt, args, options);
  if (answer.code !== 0) say(`apt-get could not install them: ${lastLine(answer)}.`);
}

/**
 * What the window tests need of the machine, installed where it can be.
 * @returns {Promise<{chromium?: string, noChromium?: string, noDisplay?: string}>} paths, and for
 *   what is missing a sentence that says why
 */
export async function prepareSystem() {
  const packages = [];
  if (findChromium() === undefined) packages.push('chromium');
  if (needsXvfb() && which('Xvfb') === undefined) packages.push('xvfb');
  if (packages.length > 0) await installPackages(packages);
  const chromium = findChromium();
  return {
    chromium,
    ...(chromium === undefined && {
      noChromium:
        'There is no Chromium: install it (Debian: apt install chromium) or name one in PROTODIFF_CHROMIUM.',
    }),
    ...(needsXvfb() &&
      which('Xvfb') === undefined && {
        noDisplay: 'There is no display and no Xvfb: install it (Debian: apt install xvfb).',
      }),
  };
}

/**
 * Starts a virtual display, on Linux without one.
 * @returns {Promise<{display?: string, stop: () => void}>} display for DISPLAY, where one was started
 */
export async function startDisplay() {
  const server = which('Xvfb');
  if (!needsXvfb() || server === undefined) return { stop: () => {} };
  // Xvfb picks a free number itself and writes it to descriptor 3: two runs cannot collide.
  const args = ['-displayfd', '3', '-screen', '0', '1440x900x24', '-nolisten', 'tcp', '-noreset'];
  const child = spawn(server, args, { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] });
  const number = await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => reject(new SetupError(`Xvfb ended with code ${code}.`)));
    let text = '';
    child.stdio[3].setEncoding('utf8').on('data', (piece) => {
      text += piece;
      if (text.includes('\n')) resolve(text.trim());
    });
  });
  const stop = () => child.kill();
  process.once('exit', stop);
  child.unref();
  child.stdio[3].unref();
  return { display: `:${number}`, stop };
}
