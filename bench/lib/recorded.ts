import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { configFor } from '@shared/config/presets';
import { notebookFor } from '@shared/config/notebook';
import { openStore } from '../../src/store';

/** A run as the store has it, in a workspace that another process writes to. */
export interface Recorded {
  run: string;
  state: string;
  steps: number[];
  /** Unix ms of each step. */
  wall: number[];
}

/** The newest run of a workspace; without one the state is `none`. */
export function recorded(workspace: string): Recorded {
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

/** Steps a second between two moments, Unix ms. */
export function rateOf({ wall }: Recorded, from: number, to: number): number {
  return wall.filter((at) => at >= from && at < to).length / ((to - from) / 1000);
}

/** Steps of a run that outlives a benchmark. */
const LONG = 100_000;

/**
 * Trains digits from the window, as the quick preset does at one click but for longer, until the run
 * has some steps. The workspace is new.
 */
export async function trainLong(workspace: string, page: Page, url: string): Promise<void> {
  const config = configFor('quick', { kind: 'digits' });
  const training = { ...config.training, steps: LONG };
  const folder = join(workspace, 'notebooks');
  mkdirSync(folder, { recursive: true });
  const notebook = notebookFor({ ...config, training }, '');
  writeFileSync(join(folder, 'Long training.json'), JSON.stringify(notebook));
  await page.goto(url);
  await page
    .getByRole('button', { name: /Long training/ })
    .first()
    .click();
  await page.getByRole('button', { name: 'Train', exact: true }).click();
  while (recorded(workspace).steps.length < 5) await page.waitForTimeout(200);
}
