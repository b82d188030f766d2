import { readFile } from 'node:fs/promises';
import type { Page } from '@playwright/test';
import { expect, test } from './fixtures';
import { region, stepOf } from './regions';

const FIRST_STEP = 60_000; // ms; a loaded machine captures the step slowly

/** Trains until the step, with a training time that shapes show in. */
async function train(page: Page, until: number): Promise<void> {
  await page.getByRole('button', { name: /Train digits/ }).click();
  await expect.poll(() => stepOf(page), { timeout: FIRST_STEP }).toBeGreaterThan(1);
  await expect.poll(() => stepOf(page), { timeout: 400_000 }).toBeGreaterThan(until);
}

/** Training steps before the first grid. */
const TRAINED = 20;

test('trajectories: made while it trains, looked at by keyboard, saved', async ({ app }) => {
  test.setTimeout(200_000);
  const { page } = app;
  await train(page, TRAINED);
  const cell = region(page, 'Trajectories');
  await cell.scrollIntoViewIfNeeded();
  await expect(cell.getByText(/Compute shows how 6 rows part/)).toBeVisible();
  const before = await stepOf(page);
  await cell.getByRole('button', { name: 'Compute' }).click();
  const grid = cell.getByRole('grid');
  await expect(grid).toBeVisible({ timeout: 30_000 });
  await expect(cell.getByRole('button', { name: 'Compute again' })).toBeVisible({
    timeout: 60_000,
  });
  await expect(grid.getByRole('row')).toHaveCount(7);
  await expect(grid.locator('canvas')).toHaveCount(60);
  expect(await stepOf(page)).toBeGreaterThan(before);

  // All rows begin as the same noise, and end apart.
  const pixels = (row: number, column: number): Promise<string> =>
    grid
      .getByRole('row')
      .nth(row + 1)
      .locator('canvas')
      .nth(column)
      .evaluate((canvas) => (canvas as unknown as { toDataURL(): string }).toDataURL());
  await cell.getByRole('button', { name: 'xt', exact: true }).click();
  expect(await pixels(3, 0)).toBe(await pixels(0, 0));
  expect(await pixels(3, 9)).not.toBe(await pixels(0, 9));
  await cell.getByRole('button', { name: 'difference' }).click();
  await expect(cell.getByText(/^Less the first row's/)).toBeVisible();

  // The scrubber and the grid move together; a frame is enlarged and left by keyboard.
  const scrubber = cell.getByRole('slider', { name: 'Column shown' });
  await scrubber.focus();
  await page.keyboard.press('Home');
  await expect(scrubber).toHaveAttribute('aria-valuetext', /^t 9\d\d$/);
  await grid.locator('button[tabindex="0"]').focus();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowRight');
  await expect(scrubber).toHaveJSProperty('valueAsNumber', 1);
  await page.keyboard.press('Enter');
  const zoom = page.getByRole('dialog', { name: 'One frame, enlarged' });
  await expect(zoom.getByRole('heading')).toHaveText('prototype 1');
  await page.keyboard.press('End');
  await page.keyboard.press('ArrowDown');
  await expect(zoom.getByRole('heading')).toHaveText('prototype 2');
  await expect(zoom.getByText(/Predicted x₀ is .* from the first row's/)).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(zoom).toBeHidden();

  const file = await app.download(() => cell.getByRole('button', { name: 'PNG' }).click());
  expect(file.name).toMatch(/_step_\d{8}_seed_\d+_difference\.png$/);
  const bytes = await readFile(file.path);
  expect(bytes.subarray(1, 4).toString()).toBe('PNG');
  expect(bytes.toString('latin1')).toContain('"weights_steps"');
});

test('trajectories: rows of a stopped run are chosen, and long work is given up', async ({
  app,
}) => {
  test.setTimeout(180_000);
  const { page } = app;
  await train(page, 5);
  await region(page, 'Train').getByRole('button', { name: 'Stop', exact: true }).click();
  await expect(
    region(page, 'Train').getByRole('button', { name: /^Continue from step/ }),
  ).toBeVisible();
  const cell = region(page, 'Trajectories');
  await cell.getByRole('button', { name: '6 rows' }).click();
  await cell.getByRole('button', { name: 'EMA and raw' }).click();
  await expect(cell.getByRole('listitem')).toHaveCount(2);
  await cell.getByRole('button', { name: 'Compute' }).click();
  await expect(cell.getByRole('rowheader', { name: /raw/ })).toBeVisible({ timeout: 30_000 });
  await expect(cell.getByRole('button', { name: 'Compute again' })).toBeVisible({
    timeout: 60_000,
  });
  const steps = cell.getByRole('textbox', { name: 'Steps' });
  await steps.fill('1000');
  await steps.press('Enter');
  await expect(cell.getByText('Settings changed')).toBeVisible();
  await cell.getByRole('button', { name: 'Compute again' }).click();
  await cell.getByRole('button', { name: 'Cancel' }).click();
  await expect(cell.getByRole('button', { name: 'Compute again' })).toBeVisible();
  await expect(cell.getByRole('progressbar')).toBeHidden();
});

test('samples: a contact sheet is made while it trains, and saved three ways', async ({ app }) => {
  test.setTimeout(200_000);
  const { page } = app;
  await train(page, TRAINED);
  const cell = region(page, 'Samples');
  await cell.getByRole('button', { name: 'Contact sheet' }).click();
  await cell.getByRole('button', { name: 'Settings' }).click();
  const seeds = cell.getByRole('textbox', { name: 'Seeds' });
  await seeds.fill('3');
  await seeds.press('Enter');
  await cell.getByRole('button', { name: 'Add mixed column' }).click();
  const before = await stepOf(page);
  await cell.getByRole('button', { name: 'Make the sheet' }).click();
  await expect(cell.getByRole('button', { name: 'Make again' })).toBeVisible({ timeout: 90_000 });
  expect(await stepOf(page)).toBeGreaterThan(before);
  await cell.getByRole('button', { name: 'Settings' }).click();
  const columns = await cell.getByRole('columnheader').count();
  await expect(cell.locator('td canvas')).toHaveCount(columns * 3);
  await expect(cell.getByRole('img', { name: 'mean of 0 and 1, seed 43' })).toBeVisible();
  for (const [name, kind] of [
    ['Contact sheet, PNG', 'png'],
    ['Single images, ZIP', 'zip'],
    ['NumPy arrays, npz', 'npz'],
  ]) {
    const file = await app.download(() =>
      cell.getByRole('button', { name: `Export ${name}` }).click(),
    );
    expect(file.name).toMatch(new RegExp(`_step_\\d{8}_seed_\\d+\\.${kind}$`));
    expect((await readFile(file.path)).length).toBeGreaterThan(1000);
  }
});
