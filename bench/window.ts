import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { Page } from '@playwright/test';
import { openBrowser } from './lib/browser';
import { hide } from './lib/in-page.mjs';
import { serveBuilt } from './lib/host';
import { rateOf, recorded, trainLong } from './lib/recorded';

/**
 * What a window costs the training that it shows: steps a second without one, and with one that is
 * looked at, used, hidden or slow, each between two spans without; and what the browser takes of the processor
 * beside each, as a share of all cores, which drifts less than the rate. The window stands at its curves.
 */
const { values: flags } = parseArgs({
  options: {
    /** Of each span. */
    seconds: { type: 'string', default: '25' },
    chromium: { type: 'string', default: process.env['PROTODIFF_CHROMIUM'] },
    json: { type: 'boolean', default: false },
  },
});
const SPAN_MS = 1000 * Number(flags.seconds);
/** A window that nobody touches has come to rest after it, and the one before has gone, ms. */
const REST_MS = 11_000;
/** In one that is used the pointer moves so often, ms. */
const MOVES_MS = 1000;
/** A slow window's process runs for the first of these, then stands still for the second, ms. */
const [RUNS, STANDS] = [20, 100];
const BOUND = 0.03;

/** Makes what it is given ready; returns how it is ended. */
const WINDOWS: Record<string, (page: Page, renderers: number[]) => Promise<() => void>> = {
  open: () => Promise.resolve(() => undefined),
  used: (page) => {
    let x = 600;
    const timer = setInterval(() => void page.mouse.move((x ^= 32), 500), MOVES_MS);
    return Promise.resolve(() => clearInterval(timer));
  },
  hidden: async (page) => {
    await page.evaluate(hide);
    return () => undefined;
  },
  slow: (_page, renderers) => {
    const signal = (name: 'SIGSTOP' | 'SIGCONT'): void =>
      renderers.forEach((pid) => process.kill(pid, name));
    const timer = setInterval(() => {
      signal('SIGCONT');
      setTimeout(() => signal('SIGSTOP'), RUNS);
    }, RUNS + STANDS);
    return Promise.resolve(() => {
      clearInterval(timer);
      setTimeout(() => signal('SIGCONT'), RUNS + 1);
    });
  },
};

/** Of a training, Unix ms, with what the browser took of the processor meanwhile, in cores. */
interface Span {
  from: number;
  to: number;
  cores: number;
}

async function main(): Promise<void> {
  const workspace = mkdtempSync(join(tmpdir(), 'protodiff-window-'));
  const server = await serveBuilt(workspace);
  const browser = await openBrowser(flags.chromium);
  const { context } = browser;
  const span = async (): Promise<Span> => {
    await sleep(REST_MS);
    const [from, cpu] = [Date.now(), await browser.cpu()];
    await sleep(SPAN_MS);
    const to = Date.now();
    return { from, to, cores: (1000 * ((await browser.cpu()) - cpu)) / (to - from) };
  };
  try {
    const first = await context.newPage();
    await trainLong(workspace, first, server.signInUrl());
    const url = new URL(first.url()).origin;
    await first.close();
    const without = [await span()];
    const withOne: Record<string, Span> = {};
    for (const [kind, prepare] of Object.entries(WINDOWS)) {
      const page = await context.newPage();
      await page.goto(url);
      const curves = page.locator('section[aria-label="Curves"]');
      await curves.scrollIntoViewIfNeeded();
      const end = await prepare(page, await browser.renderers());
      withOne[kind] = await span();
      end();
      await sleep(STANDS);
      await page.close();
      without.push(await span());
    }
    const history = recorded(workspace);
    const alone = without.map(({ from, to }) => rateOf(history, from, to));
    const idle = without.map(({ cores }) => cores);
    const costs = Object.entries(withOne).map(([kind, { from, to, cores }], i) => {
      const rate = rateOf(history, from, to);
      const mean = (values: number[]): number => ((values[i] ?? NaN) + (values[i + 1] ?? NaN)) / 2;
      const beside = mean(alone);
      const share = (cores - mean(idle)) / availableParallelism();
      return { window: kind, steps_per_s: rate, without: beside, cost: 1 - rate / beside, share };
    });
    if (flags.json) console.log(JSON.stringify({ costs, state: history.state, bound: BOUND }));
    else console.table(costs);
    // One that is used works for its person.
    const over = costs.filter(({ window, share }) => window !== 'used' && !(share <= BOUND));
    if (over.length > 0) process.exitCode = 1;
  } finally {
    await browser.close();
    await server.close();
    rmSync(workspace, { recursive: true, force: true });
  }
}

// What is still open when it fails would keep the process.
void main().catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});
