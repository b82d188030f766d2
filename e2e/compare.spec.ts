import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from './fixtures';
import { storedRun } from './stored-runs';

test('two runs that differ in one setting: that one, their curves, outcome and samples', async ({
  app,
}, info) => {
  const steps = '60';
  const runs = [
    await storedRun(app.workspace, '--set', `training.steps=${steps}`),
    await storedRun(app.workspace, '--set', `training.steps=${steps}`, '--set', 'lr=5e-4'),
  ];
  // A comparison as its file stands, two empty ones beside: runs are chosen in the cell.
  const notebook = {
    protodiff_notebook: 1,
    cells: [{ id: 'compare', kind: 'compare', runs: runs.slice(0, 1) }],
  };
  await mkdir(join(app.workspace, 'notebooks'), { recursive: true });
  await writeFile(join(app.workspace, 'notebooks', 'Comparison.json'), JSON.stringify(notebook));
  await app.relaunch();
  const { page } = app;
  const compare = page.getByRole('region', { name: 'Compare', exact: true });
  await expect(compare.getByText(/Choose two runs or more/)).toBeVisible();
  await compare.getByRole('button', { name: 'Runs to compare' }).click();
  const name = runs[1]?.split('-').slice(2).join('-') ?? '';
  await page.getByRole('menuitemcheckbox', { name: new RegExp(name) }).click();
  await page.keyboard.press('Escape');

  const settings = compare.getByRole('region', { name: 'Settings' });
  await expect(settings.getByText(/^1 of \d+ differ$/)).toBeVisible();
  await expect(settings.getByRole('rowheader', { name: 'lr', exact: true })).toBeVisible();
  // The newest run stands first, as in the menu.
  await expect(settings.getByRole('cell')).toHaveText(['5e-4', '0.002']);
  await settings.getByRole('checkbox', { name: 'differences only' }).uncheck();
  await expect(settings.getByRole('rowheader', { name: 'model.k' })).toBeVisible();
  await settings.getByRole('checkbox', { name: 'differences only' }).check();

  const outcome = compare.getByRole('region', { name: 'Outcome' });
  await expect(outcome.getByRole('row', { name: /^Step/ }).getByRole('cell')).toHaveText([
    steps,
    steps,
  ]);
  await expect(outcome.getByRole('row', { name: /^Validated on/ }).getByRole('cell')).toHaveText([
    'n = 32, held out',
    'n = 32, held out',
  ]);
  await expect(compare.getByRole('img', { name: /^Total loss of .*; / })).toBeVisible();

  const samples = compare.getByRole('region', { name: 'Samples at the same step' });
  await expect(samples.getByRole('img', { name: /sample \d/ })).toHaveCount(8);
  const maps = samples.getByRole('img', {
    name: new RegExp(`Map of 4 prototypes .* at step ${steps}`),
  });
  await expect(maps).toHaveCount(2);
  const scrubber = samples.getByRole('slider');
  await scrubber.press('ArrowLeft');
  // A preview that is due while the last one is still being made comes later, or not at all.
  const chosen = Number(
    await scrubber.getAttribute('aria-valuetext').then((text) => text?.slice(5)),
  );
  expect(chosen).toBeLessThan(Number(steps));
  await expect(samples.getByText(`step ${chosen}, DDIM`).first()).toBeVisible();
  const told = await samples.getByText(/^step \d+, DDIM/).allInnerTexts();
  expect(told).toHaveLength(2);
  for (const words of told) expect(Number(/\d+/.exec(words)?.[0])).toBeLessThanOrEqual(chosen);

  // Contact sheets from one noise, each of the checkpoint nearest to the step.
  await samples.getByRole('button', { name: 'Contact sheets' }).click();
  await samples.getByRole('button', { name: 'Make the sheets' }).click();
  await expect(samples.getByRole('button', { name: 'Make again' })).toBeVisible({
    timeout: 60_000,
  });
  await expect(samples.getByRole('table', { name: /12 of 12 images are made/ })).toHaveCount(2);
  await expect(samples.getByText(/^at step \d+, EMA weights/)).toHaveCount(2);
  await page.screenshot({ path: info.outputPath('compare.png') });
});
