import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from './fixtures';
import { region } from './regions';
import { findings, smallTargets } from './screen';
import { storedRun } from './stored-runs';

test('a checkpoint is kept, a deleted run comes back later, another goes for good', async ({
  app,
}, info) => {
  const run = await storedRun(app.workspace, '--set', 'training.steps=20');
  const { page } = app;
  await page.reload();
  const name = (id: string): string => id.split('-').slice(2).join('-');
  const labels = async (): Promise<unknown> =>
    JSON.parse(await readFile(join(app.workspace, 'runs', run, 'labels.json'), 'utf8'));
  const runs = region(page, 'Runs');
  await runs.getByRole('button', { name: new RegExp(`^Finished, ${name(run)}`) }).click();
  const keep = region(page, 'Checkpoints').getByRole('button', {
    name: 'Keep the checkpoint of step 20',
  });
  await keep.focus();
  await page.keyboard.press('Space');
  await expect(keep).toHaveAttribute('aria-pressed', 'true');
  expect(await labels()).toMatchObject({ kept: [20] });

  const menus = runs.getByRole('button', { name: /^Menu of/ });
  await menus.first().click();
  await page.getByRole('menuitem', { name: 'Copy', exact: true }).click();
  await expect(menus).toHaveCount(2);
  await expect(keep).toHaveText('Kept');
  for (const left of [1, 0]) {
    await menus.first().click();
    await page.getByRole('menuitem', { name: 'Delete', exact: true }).click();
    await expect(menus).toHaveCount(left);
  }
  // Long after the notice with its Undo.
  await page.reload();
  await runs.getByRole('button', { name: 'Recently deleted' }).click();
  const deleted = region(page, 'Recently deleted');
  await expect(deleted.getByRole('listitem')).toHaveCount(2);
  await page.screenshot({ path: info.outputPath('deleted.png') });
  expect(await findings(page, 'all')).toEqual([]);
  expect(await smallTargets(page)).toEqual([]);
  const restore = deleted.getByRole('button', { name: `Restore ${name(run)}`, exact: true });
  await restore.focus();
  await page.keyboard.press('Enter');
  await expect(runs.getByRole('button', { name: new RegExp(`, ${name(run)}`) })).toBeVisible();
  await expect(deleted.getByRole('listitem')).toHaveCount(1);
  // The keyboard goes on from the row that took its place.
  await expect(deleted.getByRole('button', { name: /^Restore / })).toBeFocused();
  await expect(
    region(page, 'Checkpoints').getByRole('button', { name: 'Keep the checkpoint of step 20' }),
  ).toHaveText('Kept');
  await page.screenshot({ path: info.outputPath('kept.png') });

  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Delete for good', exact: true }).focus();
  await page.keyboard.press('Enter');
  await expect(page.getByText(/^1 run deleted for good, .* freed/)).toBeVisible();
  await expect(deleted.getByText(/^None\./)).toBeVisible();
  await expect(deleted.getByRole('heading')).toBeFocused();
  await expect(runs.getByRole('button', { name: /^Menu of/ })).toHaveCount(1);
});
