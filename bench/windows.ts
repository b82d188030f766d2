import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { Page } from '@playwright/test';
import { openStore } from '../src/store';
import { serveBuilt } from './lib/host';
import { openBrowser } from './lib/browser';
import { rateOf, recorded, trainLong } from './lib/recorded';
import { spread } from './lib/spread';

/**
 * Kills the window's process with SIGKILL, loads the window again and closes it, by turns, while a
 * run trains, and times how long the window then takes to show every step there was: C1 of what must
 * survive. The run must not notice. A page with nothing on it, from the same host, opened and killed as
 * often, tells what of the steps that a window costs, and of its time, is the browser's own.
 */
const { values: flags } = parseArgs({
  options: {
    kills: { type: 'string', default: '50' },
    /** Seconds from one to the next. */
    every: { type: 'string', default: '12' },
    /** Empty pages that are opened and killed. */
    empty: { type: 'string', default: '5' },
    chromium: { type: 'string', default: process.env['PROTODIFF_CHROMIUM'] },
    picture: { type: 'string' },
  },
});
const KILLS = Number(flags.kills);
const EVERY_MS = 1000 * Number(flags.every);
/** What a complete view may take, ms. */
const VIEW_MS = 1000;
const QUIET_MS = 15_000;
/** A browser may never tell that the page of a killed process is closed: it is left then, ms. */
const CLOSES_MS = 3000;
const EMPTY = Number(flags.empty);
/** An empty page lives as long as a window needs to be complete, ms. */
const HELD_MS = 1000;
const workspace = mkdtempSync(join(tmpdir(), 'protodiff-windows-'));

interface View {
  /** What became of the window before. */
  end: (typeof ENDS)[number];
  /** When it was asked for, Unix ms. */
  at: number;
  /** Until it showed every step that was recorded then. */
  ms: number;
}

/** Loads the window, and waits until it shows every step that was recorded when it was asked for. */
async function timeView(page: Page, end: View['end'], load: () => Promise<unknown>): Promise<View> {
  const last = recorded(workspace).steps.at(-1) ?? 0;
  const at = Date.now();
  const began = performance.now();
  await load();
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
  return { end, at, ms: performance.now() - began };
}

/** What becomes of the window before it is loaded. */
const ENDS = ['killed', 'reloaded', 'closed'] as const;

const leave = (page: Page): Promise<void> => Promise.race([page.close(), sleep(CLOSES_MS)]);

interface Rates {
  /** Steps a second with no window at all, and while windows came and went. */
  quiet: number;
  during: number;
  /** Steps that each of them cost. */
  each: number;
}

function tell(what: string, { quiet, during, each }: Rates): void {
  const dip = (100 * (1 - during / quiet)).toFixed(1);
  console.log(
    `steps a second: ${quiet.toFixed(2)} without a window; ${during.toFixed(2)} (${dip} % less) with ${what} every ${flags.every} s: ${each.toFixed(1)} steps each time`,
  );
}

async function main(): Promise<number> {
  const server = await serveBuilt(workspace);
  const browser = await openBrowser(flags.chromium);
  const { context } = browser;
  try {
    let page = await context.newPage();
    await trainLong(workspace, page, server.signInUrl());
    const url = new URL(page.url()).origin;
    await page.close();
    const killRenderers = async (): Promise<void> => {
      for (const pid of await browser.renderers()) process.kill(pid, 'SIGKILL');
    };
    /** Does it so often, one every EVERY_MS; the span of time it took. */
    const repeat = async (times: number, act: (n: number) => Promise<void>) => {
      const from = Date.now();
      for (let n = 0; n < times && recorded(workspace).state === 'running'; n++) {
        const next = Date.now() + EVERY_MS;
        await act(n);
        await sleep(Math.max(0, next - Date.now()));
      }
      return [from, Date.now()] as const;
    };
    const quietFrom = Date.now();
    await sleep(QUIET_MS);
    const quietTo = Date.now();
    const emptyTimes: number[] = [];
    const emptySpan = await repeat(EMPTY, async () => {
      page = await context.newPage();
      const began = performance.now();
      // Not found: some words and nothing else.
      await page.goto(`${url}/nothing`, { waitUntil: 'commit' });
      await page.waitForFunction('document.body.innerText !== ""', undefined, { polling: 10 });
      emptyTimes.push(performance.now() - began);
      await sleep(HELD_MS);
      await killRenderers();
      await leave(page);
    });
    const views: View[] = [];
    page = await context.newPage();
    await page.goto(url);
    await sleep(EVERY_MS);
    const span = await repeat(KILLS, async (n) => {
      const end = ENDS[n % ENDS.length] ?? 'killed';
      if (end === 'killed') await killRenderers();
      if (end !== 'reloaded') {
        await leave(page);
        page = await context.newPage();
      }
      const load = (): Promise<unknown> =>
        end === 'reloaded'
          ? page.reload({ waitUntil: 'commit' })
          : page.goto(url, { waitUntil: 'commit' });
      views.push(await timeView(page, end, load));
      if ((n + 1) % 10 === 0) console.error(`${n + 1} of ${KILLS}`);
    });
    if (flags.picture !== undefined) await page.screenshot({ path: flags.picture });
    await page.close();
    const lateFrom = Date.now();
    await sleep(QUIET_MS);
    const history = recorded(workspace);
    const { run, state, steps } = history;
    const rate = ([from, to]: readonly [number, number]): number => rateOf(history, from, to);
    const quiet = (rate([quietFrom, quietTo]) + rate([lateFrom, lateFrom + QUIET_MS])) / 2;
    const rates = (during: number): Rates => ({
      ...{ quiet, during, each: (quiet - during) * (EVERY_MS / 1000) },
    });
    const gaps = steps.filter((step, row) => step !== row + 1).length;
    const store = openStore(workspace, { readonly: true });
    const odd = store.read(run).events.filter(({ kind }) => kind !== 'started');
    store.close();
    const slow = views.filter(({ ms }) => ms > VIEW_MS);
    for (const end of ENDS) {
      const times = views.filter((view) => view.end === end).map(({ ms }) => ms);
      const { median, max } = spread(times);
      console.log(
        `${end}, then loaded: complete view in ${median.toFixed(0)} ms (median of ${times.length}), ${max.toFixed(0)} ms (slowest)`,
      );
    }
    const own = spread(emptyTimes);
    console.log(
      `an empty page after one was killed: ${own.median.toFixed(0)} ms (median of ${emptyTimes.length}), ${own.max.toFixed(0)} ms (slowest): the browser's own`,
    );
    tell('an empty page, opened and killed', rates(rate(emptySpan)));
    tell('the window, killed, reloaded or closed', rates(rate(span)));
    for (const { end, at, ms } of slow) {
      const beside = history.wall.filter((wall) => wall >= at && wall < at + ms).length;
      const since = at - (views.filter((view) => view.at < at).at(-1)?.at ?? at);
      console.log(
        `slow: ${end} at step ${history.wall.filter((wall) => wall < at).length}, complete in ${ms.toFixed(0)} ms beside ${beside} steps, ${(since / 1000).toFixed(1)} s after the one before`,
      );
    }
    const failed = views.length < KILLS || gaps > 0 || odd.length > 0 || slow.length > 0;
    console.log(
      `${failed ? 'FAIL' : 'PASS'}: ${views.length} of ${KILLS}, one every ${flags.every} s; ${steps.length} steps recorded, ${gaps} lost, ${odd.length} interruptions, state ${state}; complete view in ${spread(views.map(({ ms }) => ms)).median.toFixed(0)} ms (median), ${slow.length} over ${VIEW_MS} ms.`,
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
    // What is still open would keep the process.
    process.exit(1);
  },
);
