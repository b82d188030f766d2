import { mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { chromium } from '@playwright/test';
import type { Browser, Locator, Page } from '@playwright/test';
import { startServer } from '../src/serve/server';
import type { RunningServer, ServerOptions } from '../src/serve/server';
import { FakeEngine } from '../src/serve/testing';
import { firstCurve, gesture, markFirstCurve, turnKnob } from './in-page.mjs';
import { spread } from './spread';
import { SERIES, synthetic } from './synthetic';

const median = (values: number[]): number => spread(values).median;

/**
 * Times the window in headless Chromium over the served host: the built page, the real protocol
 * and WebSocket. The history is synthetic; knobs are those of a real training.
 */
const { values: flags } = parseArgs({
  options: {
    steps: { type: 'string', default: '1000000' },
    chromium: { type: 'string' },
    picture: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
const ROOT = process.cwd();
const GESTURE_MS = 3000;
const KNOB_CHANGES = 9;

async function open(
  browser: Browser,
  engine: Pick<ServerOptions, 'fork'>,
  use: (page: Page, server: RunningServer) => Promise<void>,
): Promise<void> {
  const workspace = mkdtempSync(join(tmpdir(), 'protodiff-bench-'));
  const server = await startServer({
    workspace,
    resources: resolve(ROOT, 'resources'),
    importer: resolve(ROOT, 'out/main/importer.cjs'),
    page: resolve(ROOT, 'out/renderer'),
    engineEntry: resolve(ROOT, 'out/main/engine.cjs'),
    version: '0.0.0',
    port: 0,
    ...engine,
  });
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  try {
    await use(page, server);
  } finally {
    await page.close();
    await server.close();
    rmSync(workspace, { recursive: true, force: true });
  }
}

/** Frames a second: 1000 over the median of the times between frames while the chart moves. */
async function fpsOf(chart: Locator, kind: 'zoom' | 'pan'): Promise<number> {
  const surface = await chart.elementHandle();
  const frames = await chart.page().evaluate(gesture, { surface, kind, ms: GESTURE_MS });
  return 1000 / median(frames.slice(1).map((time, i) => time - (frames[i] ?? 0)));
}

async function history(browser: Browser, steps: number): Promise<Record<string, number>> {
  const figures: Record<string, number> = {};
  const service = synthetic(steps);
  await open(browser, { fork: () => new FakeEngine(service) }, async (page, server) => {
    await page.addInitScript(markFirstCurve);
    await page.goto(server.signInUrl());
    await page
      .getByRole('button', { name: /brisk-heron/ })
      .first()
      .click();
    await page.waitForTimeout(500);
    if (flags.picture !== undefined) await page.screenshot({ path: flags.picture });
    await page.locator('section[aria-label="Curves"]').scrollIntoViewIfNeeded();
    const chart = page.getByRole('slider', { name: 'Total loss, crosshair' });
    await chart.waitFor({ timeout: 60_000 });
    figures['first_paint_ms'] = await page.evaluate(firstCurve);
    while (Number(await chart.getAttribute('aria-valuemax')) < steps) await page.waitForTimeout(20);
    figures['whole_history_ms'] = await page.evaluate('performance.now()');
    await page.waitForTimeout(2000);
    if (flags.picture !== undefined) await page.screenshot({ path: flags.picture });
    const speeds = [await fpsOf(chart, 'zoom'), await fpsOf(chart, 'pan')];
    figures['fps_zoom'] = speeds[0] ?? NaN;
    figures['fps_pan'] = speeds[1] ?? NaN;
    figures['fps'] = Math.min(...speeds);
    const session = await page.context().newCDPSession(page);
    await session.send('HeapProfiler.collectGarbage');
    const heap: Record<string, number> = { ...(await session.send('Runtime.getHeapUsage')) };
    // Typed arrays lie outside of V8's heap: both count.
    figures['heap_mb'] = ((heap['usedSize'] ?? NaN) + (heap['backingStorageSize'] ?? NaN)) / 1e6;
  });
  return figures;
}

async function knobs(browser: Browser): Promise<Record<string, number>> {
  const paints: number[] = [];
  const applied: number[] = [];
  await open(browser, {}, async (page, server) => {
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
  });
  return { knob_paint_ms: median(paints), knob_applied_steps: median(applied) };
}

async function main(): Promise<void> {
  const browser = await chromium.launch({
    executablePath: flags.chromium,
    args: ['--no-sandbox', '--disable-gpu', '--enable-precise-memory-info'],
  });
  try {
    const steps = Number(flags.steps);
    const figures = { ...(await history(browser, steps)), ...(await knobs(browser)) };
    const load = loadavg()[0] ?? NaN;
    if (!flags.json) console.table(figures);
    const rounded = Object.fromEntries(
      Object.entries(figures).map(([name, value]) => [name, Number(value.toPrecision(4))]),
    );
    console.log(JSON.stringify({ steps, series: SERIES.length, ...rounded, load }));
  } finally {
    await browser.close();
  }
}

void main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
