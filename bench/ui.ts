import { mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { chromium } from '@playwright/test';
import type { Browser, Locator, Page } from '@playwright/test';
import { prototypeRows } from '@shared/config/sampling-rows';
import { createClient } from '@shared/protocol/client';
import type { Client } from '@shared/protocol/client';
import type { RunningServer } from '../src/serve/server';
import { signIn, socketTransport } from '../src/serve/testing';
import { firstCurve, gesture, markFirstCurve, scrub, turnKnob } from './lib/in-page.mjs';
import { serveBuilt } from './lib/host';
import { spread } from './lib/spread';
import { SERIES, SNAPSHOTS, storeHistory } from './lib/synthetic';

const median = (values: number[]): number => spread(values).median;

/**
 * Times the window in headless Chromium over the served host: the built page, engine, store,
 * protocol and WebSocket. The history is synthetic; knobs and trajectories are those of a real
 * training. Trajectories are timed where they arrive, at a second window's socket.
 */
const { values: flags } = parseArgs({
  options: {
    steps: { type: 'string', default: '1000000' },
    chromium: { type: 'string', default: process.env['PROTODIFF_CHROMIUM'] },
    picture: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
const GESTURE_MS = 3000;
const KNOB_CHANGES = 9;
/** How long the rate of the training is taken before trajectories are asked for, ms. */
const RATE_MS = 15_000;
const TRAJECTORIES = { rows: 8, columns: 10, steps: 50 };
const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

async function open(
  browser: Browser,
  workspace: string,
  use: (page: Page, server: RunningServer) => Promise<void>,
): Promise<void> {
  const server = await serveBuilt(workspace);
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  try {
    await use(page, server);
  } finally {
    await page.close();
    await server.close();
  }
}

/** Frames a second: 1000 over the median of the times between frames. */
const fpsOf = (frames: number[]): number =>
  1000 / median(frames.slice(1).map((time, i) => time - (frames[i] ?? 0)));

async function chartFps(chart: Locator, kind: 'zoom' | 'pan'): Promise<number> {
  const surface = await chart.elementHandle();
  return fpsOf(await chart.page().evaluate(gesture, { surface, kind, ms: GESTURE_MS }));
}

/** While the map is scrubbed through training, all its snapshots in the window. */
async function scrubFps(page: Page): Promise<number> {
  await page.locator('section[aria-label="Prototypes"]').scrollIntoViewIfNeeded();
  const scrubber = page.getByRole('slider', { name: 'Training step of the map' });
  while (Number(await scrubber.getAttribute('max')) < SNAPSHOTS.count - 1) {
    await page.waitForTimeout(50);
  }
  const slider = await scrubber.elementHandle();
  return fpsOf(await page.evaluate(scrub, { slider, ms: GESTURE_MS }));
}

async function history(
  browser: Browser,
  workspace: string,
  steps: number,
): Promise<Record<string, number>> {
  const figures: Record<string, number> = {};
  const name = storeHistory(workspace, steps);
  await open(browser, workspace, async (page, server) => {
    while (server.supervisor.state.state !== 'ready') await pause(50);
    await page.addInitScript(markFirstCurve, steps);
    await page.goto(server.signInUrl());
    await page
      .getByRole('button', { name: new RegExp(name) })
      .first()
      .click();
    await page.locator('section[aria-label="Curves"]').scrollIntoViewIfNeeded();
    const chart = page.getByRole('slider', { name: 'Total loss, crosshair' });
    await chart.waitFor({ timeout: 60_000 });
    figures['first_paint_ms'] = await page.evaluate(firstCurve);
    if (flags.picture !== undefined) await page.screenshot({ path: `${flags.picture}.first.png` });
    const coming = page.getByText('Reading the whole history');
    while ((await coming.count()) > 0) await page.waitForTimeout(20);
    figures['whole_history_ms'] = await page.evaluate('performance.now()');
    await page.waitForTimeout(2000);
    if (flags.picture !== undefined) await page.screenshot({ path: flags.picture });
    const speeds = [await chartFps(chart, 'zoom'), await chartFps(chart, 'pan')];
    figures['fps_zoom'] = speeds[0] ?? NaN;
    figures['fps_pan'] = speeds[1] ?? NaN;
    figures['fps'] = Math.min(...speeds);
    figures['scrub_fps'] = await scrubFps(page);
    const session = await page.context().newCDPSession(page);
    await session.send('HeapProfiler.collectGarbage');
    const heap: Record<string, number> = { ...(await session.send('Runtime.getHeapUsage')) };
    // Typed arrays lie outside of V8's heap: both count.
    figures['heap_mb'] = ((heap['usedSize'] ?? NaN) + (heap['backingStorageSize'] ?? NaN)) / 1e6;
  });
  return figures;
}

async function training(browser: Browser, workspace: string): Promise<Record<string, number>> {
  const paints: number[] = [];
  const applied: number[] = [];
  let pictures: Record<string, number> = {};
  await open(browser, workspace, async (page, server) => {
    await page.goto(server.signInUrl());
    await page.getByRole('button', { name: /Train digits/ }).click();
    const bar = page.getByRole('progressbar', { name: 'Training progress' });
    const step = async (): Promise<number> => Number(await bar.getAttribute('aria-valuenow'));
    while ((await bar.count()) === 0 || (await step()) < 5) await page.waitForTimeout(200);
    const field = page.getByRole('textbox', { name: 'Learning rate' });
    const line = page.locator('.knob').first().locator('.line');
    for (let n = 0; n < KNOB_CHANGES; n++) {
      const before = await step();
      const told = await line.innerText();
      paints.push(await field.evaluate(turnKnob, `${1 + (n % 3) / 10}e-3`));
      let text = told;
      while (text === told || !/applied at step [\d,]+, was/.test(text)) {
        await page.waitForTimeout(20);
        text = await line.innerText();
      }
      const at = Number(/applied at step ([\d,]+)/.exec(text)?.[1]?.replace(/,/g, ''));
      applied.push(at - before);
      await page.waitForTimeout(400);
    }
    const cookie = await signIn(server.port, server.signInUrl());
    const client = createClient(() => socketTransport(server.port, cookie, []));
    pictures = await trajectories(client).finally(() => client.close());
  });
  return { knob_paint_ms: median(paints), knob_applied_steps: median(applied), ...pictures };
}

/** Ms until the first and until all frames are there; the share of its rate that training keeps. */
async function trajectories(client: Client): Promise<Record<string, number>> {
  let run = '';
  let step = NaN;
  client.subscribe('status', {}, ({ active }) => {
    if (active) ({ run, step } = active);
  });
  while (Number.isNaN(step)) await pause(20);
  const rate = async (until: () => Promise<unknown>): Promise<number> => {
    const [began, from] = [performance.now(), step];
    await until();
    return (step - from) / (performance.now() - began);
  };
  const alone = await rate(() => pause(RATE_MS));
  const { rows, columns, steps } = TRAJECTORIES;
  const began = performance.now();
  const arrivals: number[] = [];
  const beside = await rate(
    () =>
      new Promise<void>((done, failed) =>
        client.subscribe(
          'trajectory',
          { run, rows: prototypeRows(rows, 'ddim', rows), columns, seed: 0, steps, eta: 0 },
          ({ frames }) => {
            for (let n = 0; n < frames.length; n++) arrivals.push(performance.now() - began);
            if (arrivals.length === rows * (columns + 1)) done();
          },
          { onError: failed },
        ),
      ),
  );
  return {
    trajectory_first_ms: arrivals[0] ?? NaN,
    trajectory_all_ms: arrivals.at(-1) ?? NaN,
    trajectory_arrivals: new Set(arrivals.map(Math.round)).size,
    trajectory_rate_kept: beside / alone,
  };
}

async function main(): Promise<void> {
  const browser = await chromium.launch({
    executablePath: flags.chromium,
    args: ['--no-sandbox', '--disable-gpu', '--enable-precise-memory-info'],
  });
  const folders = [0, 1].map(() => mkdtempSync(join(tmpdir(), 'protodiff-bench-')));
  try {
    const [past = '', present = ''] = folders;
    const steps = Number(flags.steps);
    const figures = {
      ...(await history(browser, past, steps)),
      ...(await training(browser, present)),
    };
    const load = loadavg()[0] ?? NaN;
    if (!flags.json) console.table(figures);
    const rounded = Object.fromEntries(
      Object.entries(figures).map(([name, value]) => [name, Number(value.toPrecision(4))]),
    );
    console.log(JSON.stringify({ steps, series: SERIES.length, ...rounded, load }));
  } finally {
    await browser.close();
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  }
}

void main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
