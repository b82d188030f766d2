/**
 * `node e2e/packaged.mjs [SCREENSHOT]`: starts the application in dist/linux-unpacked, presses
 * "Train digits" and waits for twenty steps. Its fuses keep Playwright's inspector out, so this
 * speaks to the window over Chromium's remote debugging.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { sandboxFlags } from '../scripts/lib/electron.mjs';
import { ROOT } from '../scripts/lib/places.mjs';
import { startDisplay } from '../scripts/lib/system.mjs';

const STARTS = 30_000; // ms
const TRAINS = 180_000; // ms
const STEPS = 20;

/** The value that `ask` gives within `ms`, asked four times a second until it is not undefined. */
async function until(ms, what, ask) {
  for (const end = Date.now() + ms; Date.now() < end; await sleep(250)) {
    const value = await ask();
    if (value !== undefined) return value;
  }
  throw new Error(`${what} did not come within ${ms / 1000} s.`);
}

/** A window's debugger: `call(method, params)` as in the Chrome DevTools Protocol. */
async function connect(url) {
  const socket = new WebSocket(url);
  await once(socket, 'open');
  const waiting = new Map();
  socket.on('message', (data) => {
    const { id, result, error } = JSON.parse(data);
    const entry = waiting.get(id);
    waiting.delete(id);
    if (error) entry?.reject(new Error(error.message));
    else entry?.resolve(result);
  });
  let last = 0;
  return {
    call: (method, params = {}) =>
      new Promise((resolve, reject) => {
        waiting.set((last += 1), { resolve, reject });
        socket.send(JSON.stringify({ id: last, method, params }));
      }),
    close: () => socket.close(),
  };
}

const workspace = mkdtempSync(join(tmpdir(), 'protodiff-packaged-'));
const { display, stop } = await startDisplay();
const child = spawn(
  join(ROOT, 'dist/linux-unpacked/protodiff'),
  [...sandboxFlags(), '--remote-debugging-port=0', '--workspace', workspace],
  {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: {
      ...process.env,
      ...(display !== undefined && { DISPLAY: display }),
      XDG_CONFIG_HOME: join(workspace, 'profile'),
    },
  },
);
let output = '';
child.stderr.setEncoding('utf8').on('data', (piece) => {
  output += piece;
});

try {
  const port = await until(STARTS, 'The window', () => {
    if (child.exitCode !== null) throw new Error(`The application ended (${child.exitCode}).`);
    return /DevTools listening on ws:\/\/127\.0\.0\.1:(\d+)/.exec(output)?.[1];
  });
  const page = await until(STARTS, 'The page', async () => {
    const targets = await (await fetch(`http://127.0.0.1:${port}/json/list`)).json();
    return targets.find(({ type }) => type === 'page')?.webSocketDebuggerUrl;
  });
  const window = await connect(page);
  const evaluate = async (expression) =>
    (await window.call('Runtime.evaluate', { expression, returnByValue: true })).result.value;
  const button =
    "[...document.querySelectorAll('button')].find((b) => /Train digits/.test(b.textContent) && !b.disabled)";
  await until(STARTS, 'The button', async () => (await evaluate(`!!${button}`)) || undefined);
  await evaluate(`${button}.click()`);
  let text = '';
  const step = await until(TRAINS, `Step ${STEPS}`, async () => {
    text = await evaluate('document.body.innerText');
    // The train cell counts `24 of 3,000`.
    const steps = [...text.matchAll(/([\d,]+)\s+of\s+[\d,]+/g)].map((hit) =>
      Number(hit[1].replaceAll(',', '')),
    );
    return steps.find((each) => each >= STEPS);
  }).catch((error) => {
    throw new Error(`${error.message} The page says:\n${text}`);
  });
  if (process.argv[2] !== undefined) {
    const { data } = await window.call('Page.captureScreenshot', { format: 'png' });
    writeFileSync(process.argv[2], Buffer.from(data, 'base64'));
  }
  window.close();
  const { pid } = JSON.parse(readFileSync(join(workspace, 'engine.json'), 'utf8'));
  process.stdout.write(`The packaged application trained ${step} steps (engine ${pid}).\n`);
} catch (error) {
  process.stderr.write(`${output}\n${error.message}\n`);
  process.exitCode = 1;
} finally {
  child.kill();
  await Promise.race([once(child, 'exit'), sleep(10_000)]);
  stop();
  rmSync(workspace, { recursive: true, force: true, maxRetries: 5, retryDelay: 500 });
}
