/**
 * `npm start [-- --served] [-- ARGS]`: the desktop application, or the served one where there is no
 * Electron or no display. Other arguments (`--workspace DIR`, `--port N`) go to the host.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { build } from './build.mjs';
import { obtainElectron, sandboxBlocked, sandboxFlags } from './lib/electron.mjs';
import { ROOT } from './lib/places.mjs';
import { say, sentence } from './lib/say.mjs';
import { setupTensorFlow } from './setup-tensorflow.mjs';

const PATIENCE = 120_000; // ms without a byte of Electron before the browser is used instead

const args = process.argv.slice(2);
const served = args.includes('--served');
const passed = args.filter((arg) => arg !== '--served');

/** @returns {Promise<{command: string, args: string[]} | string>} or why there is no desktop */
async function desktop() {
  if (served) return 'as asked';
  if (process.platform === 'linux' && !process.env.DISPLAY && !process.env.WAYLAND_DISPLAY) {
    return 'there is no display here (DISPLAY and WAYLAND_DISPLAY are unset)';
  }
  try {
    const { executablePath, dist } = await obtainElectron(PATIENCE);
    const blocked = sandboxBlocked(dist);
    if (blocked !== undefined) return blocked;
    const flags = sandboxFlags();
    if (flags.length > 0) say('running as root, so Electron starts without its sandbox.');
    return { command: executablePath, args: [...flags, ROOT, ...passed] };
  } catch (error) {
    return sentence(error).replace(/\.$/, '');
  }
}

/** Runs in the foreground. A terminal's interrupt reaches the child by itself: here it only waits. */
function foreground(command, commandArgs) {
  const child = spawn(command, commandArgs, { stdio: 'inherit', cwd: process.cwd() });
  process.on('SIGINT', () => {});
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve(signal === null ? (code ?? 1) : 1));
  });
}

try {
  await setupTensorFlow();
  await build();
  const host = await desktop();
  if (typeof host === 'string') {
    say(`opening in the browser: ${host}.`);
    const cli = join(ROOT, 'out/main/cli.cjs');
    process.exitCode = await foreground(process.execPath, [cli, 'serve', '--open', ...passed]);
  } else {
    process.exitCode = await foreground(host.command, host.args);
  }
} catch (error) {
  say(sentence(error));
  process.exitCode = 1;
}
