import type { Locator } from '@playwright/test';
import { expect, test } from './fixtures';
import { region, stepOf } from './regions';

const FIRST_STEP = 60_000; // ms; a loaded machine captures the step slowly
const TRAINS = 400_000; // ms
/** Training steps before the first look. */
const TRAINED = 51;

/** How many pixels of the map's canvas are drawn on. */
async function inked(map: Locator): Promise<number> {
  return map.locator('canvas').evaluate((node) => {
    const canvas = node as unknown as {
      width: number;
      height: number;
      getContext(kind: '2d'): {
        getImageData(...box: number[]): { data: Uint8ClampedArray };
      };
    };
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    return data.filter((value, i) => i % 4 === 3 && value > 0).length;
  });
}

test('prototypes: scrubbed through training, one followed everywhere, named, laid out, found', async ({
  app,
}) => {
  test.setTimeout(300_000);
  const { page } = app;
  await page.getByRole('button', { name: /Train digits/ }).click();
  await expect.poll(() => stepOf(page), { timeout: FIRST_STEP }).toBeGreaterThan(1);
  const cell = region(page, 'Prototypes');
  const map = cell.getByRole('listbox', { name: 'Map of the prototypes' });
  await cell.scrollIntoViewIfNeeded();
  await expect(map.getByRole('option')).toHaveCount(10);
  await expect.poll(() => stepOf(page), { timeout: TRAINS }).toBeGreaterThan(TRAINED);

  // Through training by keyboard.
  const scrubber = cell.getByRole('slider', { name: 'Training step of the map' });
  await expect(scrubber).not.toHaveAttribute('aria-valuetext', /of 1$/);
  await expect(cell.getByText(/^\d+ live$/)).toBeVisible();
  const place = (): Promise<string | null> => map.getByRole('option').nth(3).getAttribute('style');
  const newest = await place();
  expect(await inked(map)).toBeGreaterThan(500);
  await scrubber.focus();
  await page.keyboard.press('Home');
  await expect(scrubber).toHaveAttribute('aria-valuetext', /^step 0, 1 of \d+$/);
  expect(await place()).not.toBe(newest);
  await page.keyboard.press('ArrowRight');
  await expect(scrubber).toHaveAttribute('aria-valuetext', /^step 50, 2 of/);
  await page.keyboard.press('Home');
  await page.keyboard.press('Shift+ArrowRight');
  await expect(cell.getByText(/^\d+ live$/)).toBeVisible();

  // One prototype, chosen on the map by keyboard, is followed by bars, cards and rows.
  await map.focus();
  await page.keyboard.press('Home');
  await page.keyboard.press('Enter');
  const bars = cell.getByRole('list', { name: 'Share of each prototype' });
  const cards = cell.getByRole('list', { name: 'Prototypes', exact: true });
  await expect(map.getByRole('option', { selected: true })).toHaveAccessibleName(/^prototype 0,/);
  await expect(bars.getByRole('button', { pressed: true })).toHaveAccessibleName(/^Prototype 0/);
  await expect(cards.locator('[aria-current="true"]')).toHaveCount(1);
  await page.keyboard.press('Escape');
  await expect(map.getByRole('option', { selected: true })).toHaveCount(0);
  await bars.getByRole('button', { name: /^Prototype 2,/ }).click();
  await cards.getByRole('button', { name: 'Name and colour of prototype 2' }).click();
  await page.keyboard.type('loops');
  await page.keyboard.press('Enter');
  await expect(cards.getByRole('button', { name: 'Prototype 2, loops' })).toBeVisible();
  const rows = region(page, 'Trajectories');
  await rows.getByRole('button', { name: 'Compute' }).click();
  const row = rows.locator('[role="rowheader"][aria-current="true"]');
  await expect(row).toHaveText(/loops/, { timeout: 60_000 });
  await expect(row).toHaveCount(1);

  // Surgery through a card, by keyboard; the journal has it, and takes it back.
  const acts = cards.getByRole('button', { name: 'Acts on prototype 4' });
  await acts.focus();
  await page.keyboard.press('Enter');
  await page.getByRole('menuitem', { name: 'Revive from a far image' }).focus();
  await page.keyboard.press('Enter');
  const done = cell
    .getByRole('status')
    .filter({ hasText: /^p4 revived at step \d+; 10 prototypes$/ });
  await expect(done).toBeVisible({ timeout: 30_000 });
  const journal = page.getByRole('region', { name: 'Journal' });
  await expect(journal.getByText('p4 revived', { exact: true })).toBeVisible();
  await cell.getByRole('button', { name: 'Undo: p4 revived' }).click();
  await expect(journal.getByText('undone: p4 revived')).toBeVisible({ timeout: 30_000 });

  // A run that does not train looks for the nearest images by itself.
  await region(page, 'Train').getByRole('button', { name: 'Stop', exact: true }).click();
  await expect(cell.getByText(/of the whole data set, by the weights of step/)).toBeVisible({
    timeout: 90_000,
  });
  await expect(cards.locator('canvas')).toHaveCount(40);
  // All of the cell at once: it is taller than most windows.

  // UMAP in its worker, under the page's own policy; another step is asked for again.
  await cell.getByRole('button', { name: 'UMAP' }).click();
  const laid = cell.getByText(/UMAP, turned to lie as the PCA/);
  await expect(laid).toBeVisible({ timeout: 60_000 });
  expect(await inked(map)).toBeGreaterThan(200);
  await scrubber.focus();
  await page.keyboard.press('Home');
  await expect(cell.getByRole('button', { name: 'Lay out step 0' })).toBeVisible();
  await cell.getByRole('combobox', { name: 'colour' }).selectOption('class');
  await expect(cell.getByRole('list', { name: 'Marks of the classes' })).toBeVisible();

  // Names and the cell's settings outlive the window.
  await page.waitForTimeout(1000);
  await page.reload();
  await expect(cards.getByRole('button', { name: 'Prototype 2, loops' })).toBeVisible();
  await expect(cell.getByRole('button', { name: 'UMAP' })).toHaveAttribute('aria-pressed', 'true');
  await expect(cell.getByRole('combobox', { name: 'colour' })).toHaveValue('class');
});
