import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { chromium } from '@playwright/test';
import type { BrowserContext, Page } from '@playwright/test';
import { openStore } from '../src/store';
import { serveBuilt } from './host';
import { spread } from './spread';

/**
 * Kills the window's process with SIGKILL while a run trains, opens another window and times how
 * long it takes to show every step there was: C1 of what must survive. The run must not notice.
 */
const { values: flags } = parseArgs({
  options: {
    kills: { type: 'string', default: '50' },
    chromium: { type: 'string', default: process.env['PROTODIFF_CHROMIUM'] ?? '/usr/bin/chromium' },
    picture: { type: 'string' },
  },
});
const KILLS = Number(flags.kills);
/** What a complete view may take, ms. */
const VIEW_MS = 1000;
const QUIET_MS = 15_000;
const workspace = mkdtempSync(join(tmpdir(), 'protodiff-windows-'));

interface Recorded {
  run: string;
  state: string;
  steps: number[];
  /** Unix ms of each step. */
  wall: number[];
}

function recorded(): Recorded {
  const store = openStore(workspace, { readonly: true });
  try {
    const summary = store.list()[0];
    if (summary === undefined) return { run: '', state: 'none', steps: [], wall: [] };
    const { step, wall } = store.metrics(summary.run, 0, 1e9);
    return { run: summary.run, state: summary.state, steps: [...step], wall: [...wall] };
  } finally {
    store.close();
  }
}

const sleep = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

/** Opens a window; ms until it shows every step that was recorded when it was asked for. */
async function timeView(context: BrowserContext, url: string): Promise<{ page: Page; ms: number }> {
  const last = recorded().steps.at(-1) ?? 0;
  const page = await context.newPage();
  const began = performance.now();
  await page.goto(url, { waitUntil: 'commit' });
  await page.waitForFunction(
    `(() => {
      const value = (selector, name) =>
        Number(document.querySelector(selector)?.getAttribute(name) ?? -1);
      return (
        value('[role="progressbar"][aria-label="Training progress"]', 'aria-valuenow') >= ${last} &&
        value('[role="slider"][aria-label="Total loss, crosshair"]', 'aria-valuemax') >= ${last}
      );
    })()`,
    undefined,
    { polling: 10, timeout: 15_000 },
  );
  return { page, ms: performance.now() - began };
}

async function main(): Promise<number> {
  const server = await serveBuilt(workspace);
  const args = ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-sync'];
  const browser = await chromium.launch({ executablePath: flags.chromium, args });
  const context = await browser.newContext({
    viewport: { width: 1440, height: 900 },
    bypassCSP: true,
  });
  const cdp = await browser.newBrowserCDPSession();
  try {
    let page = await context.newPage();
    await page.goto(server.signInUrl());
    await page.getByRole('button', { name: /Train digits/ }).click();
    while (recorded().steps.length < 5) await sleep(200);
    const url = new URL(page.url()).origin;
    await page.close();
    // The rate of the training with no window at all, before and after.
    const quietFrom = Date.now();
    await sleep(QUIET_MS);
    const killedFrom = Date.now();
    const views: number[] = [];
    for (let kill = 0; kill < KILLS; kill++) {
      if (recorded().state !== 'running') break;
      const view = await timeView(context, url);
      page = view.page;
      views.push(view.ms);
      await sleep(Math.random() * 400);
      const { processInfo } = await cdp.send('SystemInfo.getProcessInfo');
      for (const { id, type } of processInfo) if (type === 'renderer') process.kill(id, 'SIGKILL');
      await page.close();
    }
    const killedTo = Date.now();
    await sleep(QUIET_MS);
    const { run, state, steps, wall } = recorded();
    const rate = (from: number, to: number): number =>
      wall.filter((at) => at >= from && at < to).length / ((to - from) / 1000);
    const quiet = Math.max(rate(quietFrom, killedFrom), rate(killedTo, killedTo + QUIET_MS));
    const during = rate(killedFrom, killedTo);
    const gaps = steps.filter((step, row) => step !== row + 1).length;
    const store = openStore(workspace, { readonly: true });
    const odd = store.read(run).events.filter(({ kind }) => kind !== 'started');
    store.close();
    const { median } = spread(views);
    const slowest = Math.max(...views);
    const slow = views.filter((ms) => ms > VIEW_MS).length;
    if (flags.picture !== undefined) {
      const last = await timeView(context, url);
      await last.page.screenshot({ path: flags.picture });
    }
    const failed = views.length < KILLS || gaps > 0 || odd.length > 0 || slow > 0;
    const dip = (100 * (1 - during / quiet)).toFixed(1);
    console.log(
      `Steps a second: ${quiet.toFixed(2)} without a window, ${during.toFixed(2)} while windows opened and died (${dip} % less). State ${state}.`,
    );
    console.log(
      `${failed ? 'FAIL' : 'PASS'}: ${views.length} windows killed of ${KILLS}, ${steps.length} steps recorded, ${gaps} lost, ${odd.length} interruptions; complete view in ${median.toFixed(0)} ms (median), ${slowest.toFixed(0)} ms (slowest), ${slow} over ${VIEW_MS} ms.`,
    );
    return failed ? 1 : 0;
  } finally {
    await browser.close();
    await server.close();
    rmSync(workspace, { recursive: true, force: true });
  }
}

main().then(
  (code) => (process.exitCode = code),
  (error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  },
);
