import { cp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Locator, Page } from '@playwright/test';
import { expect, test } from './fixtures';
import type { App } from './fixtures';
import { picture } from './picture';
import { region, stepOf } from './regions';
import { branchOf, notebookOf, storedRun } from './stored-runs';

/** A workspace with a trained run and a branch of it, newest last; without one they are trained. */
const FROM = process.env['PROTODIFF_RUNS'];
const STEPS = 1200;
/** Steps after which a run's speed is known. */
const SETTLED = 10;
const MAKES = 240_000; // ms, a sheet or a grid beside nothing else
const DIGITS = [
  ...['zeros', 'ones', 'twos', 'threes', 'fours'],
  ...['fives', 'sixes', 'sevens', 'eights', 'nines'],
];
const NOTE = `# Do ten prototypes find ten digits?

The parent run had learned the strokes; this branch goes on with a **quarter** of its learning rate.
**Watch** the last quarter of t, and whether a prototype changes what is drawn.`;

/** The parent and its branch, which is trained to the same step. */
async function runsIn(workspace: string): Promise<[string, string]> {
  if (FROM !== undefined) {
    await cp(join(FROM, 'runs'), join(workspace, 'runs'), { recursive: true });
    const { runs } = JSON.parse(await readFile(join(FROM, 'pictures.json'), 'utf8')) as {
      runs: [string, string];
    };
    return runs;
  }
  const settings = ['--preset', 'quick', '--set', `training.steps=${STEPS}`];
  const parent = await storedRun(workspace, ...settings, '--set', 'sample_every=50');
  return [parent, await branchOf(workspace, parent, STEPS / 2, STEPS, 'lr=5e-4')];
}

/** Each prototype by the class that most of its images have. */
async function nameAll(page: Page): Promise<void> {
  const cards = region(page, 'Prototypes').getByRole('list', { name: 'Prototypes' });
  const mixes = await cards.locator('.mix').allInnerTexts();
  for (const [prototype, mix] of mixes.entries()) {
    await cards
      .getByRole('button', { name: `Name and colour of prototype ${prototype}` })
      .press('Enter');
    const field = cards.getByRole('textbox', { name: `Name of prototype ${prototype}` });
    await field.fill(DIGITS[Number(/^\d+/.exec(mix)?.[0])] ?? '');
    await field.press('Enter');
  }
}

/** A notebook about the branch, and a comparison with its parent. */
async function openNotebook(app: App, parent: string, child: string): Promise<void> {
  const compare = { id: 'compare', kind: 'compare' as const, runs: [child, parent] };
  await notebookOf(app.workspace, child, 'digits, ten prototypes', NOTE, compare);
  await app.relaunch();
}

/** The run at the train cell, chosen in the list of runs. */
async function show(page: Page, run: string): Promise<void> {
  await region(page, 'Runs')
    .getByRole('button', { name: new RegExp(run.split('-').slice(2).join('-')) })
    .first()
    .click();
  await expect(region(page, 'Train').getByText(/is only shown here/)).toBeVisible();
}

test('the pictures of the cells', async ({ app }) => {
  const [parent, child] = await runsIn(app.workspace);
  await openNotebook(app, parent, child);
  const { page } = app;
  await page.setViewportSize({ width: 1440, height: 1700 });

  // The parent's prototypes have the longer way behind them.
  const prototypes = region(page, 'Prototypes');
  const found = prototypes.getByRole('button', { name: 'Find again' });
  await show(page, parent);
  await expect(found).toBeVisible({ timeout: MAKES });
  await nameAll(page);
  await prototypes.getByRole('button', { name: 'Draw samples' }).click();
  await expect(prototypes.getByRole('button', { name: 'Draw again' })).toBeVisible({
    timeout: MAKES,
  });
  await picture(page, 'prototypes', prototypes);
  await region(page, 'Train').getByRole('button', { name: 'Back to its own run' }).click();
  await expect(region(page, 'Train').getByText(/branch of/)).toBeVisible();
  await expect(found).toBeVisible({ timeout: MAKES });
  await nameAll(page);

  await page.setViewportSize({ width: 1440, height: 900 });
  await page.getByRole('link', { name: 'Note' }).click();
  await picture(page, 'document', page.locator('body'));
  await page.setViewportSize({ width: 1440, height: 1700 });
  await picture(page, 'curves', region(page, 'Curves'));

  const trajectories = region(page, 'Trajectories');
  await trajectories.getByRole('button', { name: 'Compute' }).click();
  await expect(trajectories.getByRole('button', { name: 'Compute again' })).toBeVisible({
    timeout: MAKES,
  });
  await picture(page, 'trajectories', trajectories);
  await trajectories.getByRole('grid').locator('button[tabindex="0"]').focus();
  for (const key of ['ArrowDown', 'ArrowLeft', 'ArrowLeft', 'ArrowLeft', 'Enter']) {
    await page.keyboard.press(key);
  }
  const zoom = page.getByRole('dialog', { name: 'One frame, enlarged' });
  await expect(zoom).toBeVisible();
  await picture(page, 'trajectories-zoom', zoom);
  await page.keyboard.press('Escape');
  await trajectories.getByRole('button', { name: 'difference' }).click();
  await picture(page, 'trajectories-difference', trajectories);

  const samples = region(page, 'Samples');
  await picture(page, 'samples', samples);
  await samples.getByRole('button', { name: 'Contact sheet' }).click();
  await samples.getByRole('button', { name: 'Nearest training image' }).click();
  await samples.getByRole('button', { name: 'Make the sheet' }).click();
  await expect(samples.getByRole('button', { name: 'Make again' })).toBeVisible({ timeout: MAKES });
  await picture(page, 'samples-sheet', samples);

  const compare = region(page, 'Compare');
  await compare.getByRole('button', { name: 'Contact sheets' }).click();
  await compare.getByRole('button', { name: 'Make the sheets' }).click();
  await expect(compare.getByRole('button', { name: 'Make again' })).toBeVisible({ timeout: MAKES });
  await picture(page, 'compare', compare);

  await page.setViewportSize({ width: 1440, height: 900 });
  await page.getByRole('link', { name: 'Prototypes' }).click();
  await page.keyboard.press('Control+k');
  await page.keyboard.type('add');
  await picture(page, 'palette', page.locator('body'));
});

test('the pictures of the queue and of surgery', async ({ app }) => {
  const [parent, child] = await runsIn(app.workspace);
  await openNotebook(app, parent, child);
  const { page } = app;
  const train = region(page, 'Train');
  await page.setViewportSize({ width: 1440, height: 900 });

  // Surgery is for a run that trains: the parent goes on in a branch.
  await show(page, parent);
  await page.keyboard.press('Control+k');
  await page.keyboard.type('branch from');
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Branch', exact: true }).click();
  await expect.poll(() => stepOf(page)).toBeGreaterThan(STEPS + SETTLED);

  await train.getByRole('button', { name: 'Add to queue' }).click();
  await train.getByRole('button', { name: 'Sweep…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Sweep' });
  for (const [name, values] of [
    ['lr', '2e-3, 1e-3, 5e-4'],
    ['seed', '1..3'],
  ] as const) {
    await dialog.getByRole('combobox', { name: 'Setting to sweep' }).fill(name);
    await page.keyboard.press('Enter');
    await dialog.getByRole('textbox').last().fill(values);
  }
  const add = dialog.getByRole('button', { name: 'Add 9 runs to the queue' });
  await expect(add).toBeEnabled();
  await picture(page, 'sweep', page.locator('body'));
  await add.click();
  await expect(region(page, 'Queue').getByRole('listitem')).toHaveCount(10);
  await page.getByRole('button', { name: 'Dismiss' }).click();

  const prototypes = region(page, 'Prototypes');
  const cards = prototypes.getByRole('list', { name: 'Prototypes', exact: true });
  const acts = (of: number): Locator =>
    cards.getByRole('button', { name: `Acts on prototype ${of}`, exact: true });
  await page.getByRole('link', { name: 'Prototypes' }).click();
  await nameAll(page);
  for (const [of, act] of [
    [8, 'Split in two'],
    [1, 'Freeze'],
  ] as const) {
    await acts(of).click();
    await page.getByRole('menuitem', { name: act }).click();
    await expect(prototypes.getByRole('button', { name: /^Undo:/ })).toBeVisible();
    await page.waitForTimeout(5000);
  }
  // The bank is counted anew, and looked at every 50 steps.
  const acted = await stepOf(page);
  await expect.poll(() => stepOf(page)).toBeGreaterThan(acted + 60);
  await page.setViewportSize({ width: 1440, height: 1100 });
  await page.getByRole('link', { name: 'Prototypes' }).click();
  await acts(8).click();
  await expect(page.getByRole('menuitem', { name: 'Split in two' })).toBeVisible();
  await picture(page, 'surgery', page.locator('body'));
});
