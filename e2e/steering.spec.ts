import { readFile } from 'node:fs/promises';
import { expect, test } from './fixtures';
import { region, stepOf } from './regions';

const FIRST_STEP = 60_000; // ms; a loaded machine captures the step slowly

test('pause, single steps, slow motion, checkpoint now, undo of a knob', async ({ app }, info) => {
  const { page } = app;
  await page.getByRole('button', { name: /Train digits/ }).click();
  await expect.poll(() => stepOf(page), { timeout: FIRST_STEP }).toBeGreaterThan(1);
  const train = region(page, 'Train');
  const single = train.getByRole('button', { name: 'Single step' });
  await expect(single).toBeDisabled();

  await train.getByRole('button', { name: 'Pause', exact: true }).click();
  await expect(single).toBeEnabled();
  await page.waitForTimeout(1500); // the last status of the running step has come by then
  const paused = await stepOf(page);
  await single.click();
  await expect.poll(() => stepOf(page)).toBe(paused + 1);
  await single.click();
  await expect.poll(() => stepOf(page)).toBe(paused + 2);
  await page.waitForTimeout(1000);
  expect(await stepOf(page)).toBe(paused + 2);

  await train.getByRole('button', { name: 'Checkpoint now' }).click();
  await expect(train.getByRole('button', { name: 'Checkpoint now' })).toHaveAttribute(
    'title',
    `Checkpoint now (last at step ${paused + 2})`,
  );
  await page.screenshot({ path: info.outputPath('steering-paused.png') });

  await train.getByRole('combobox', { name: 'Pace' }).selectOption('1 step in 4 s');
  await train.getByRole('button', { name: 'Resume' }).click();
  await page.waitForTimeout(3000);
  const slow = (await stepOf(page)) - paused - 2;
  expect(slow).toBeGreaterThanOrEqual(1);
  expect(slow).toBeLessThanOrEqual(2);
  await train.getByRole('combobox', { name: 'Pace' }).selectOption('Full speed');
  await expect.poll(() => stepOf(page), { timeout: 20_000 }).toBeGreaterThan(paused + 6);

  const knobs = page.getByRole('complementary', { name: 'Live knobs' });
  const rate = knobs.getByRole('textbox', { name: 'Learning rate' });
  const before = await rate.inputValue();
  await rate.fill('5e-4');
  await rate.press('Enter');
  const journal = region(page, 'Journal');
  await expect(journal.getByRole('listitem')).toHaveCount(1);
  await journal.getByRole('button', { name: /^Undo lr/ }).click();
  await expect(journal.getByRole('listitem')).toHaveCount(2);
  await expect(rate).toHaveValue(before);

  const curves = region(page, 'Curves');
  await expect(
    curves.getByRole('img', {
      name: /^Diffusion loss of.*lr 2\.0e-3 → 5\.0e-4, lr 5\.0e-4 → 2\.0e-3/,
    }),
  ).toBeVisible();
  await curves.getByRole('combobox', { name: 'x axis' }).selectOption('Relative wall time');
  await expect(curves.getByRole('img', { name: /^Diffusion loss of/ })).toBeVisible();
  const saved = await app.download(async () => {
    await curves.getByRole('button', { name: 'Save the curves', exact: true }).click();
    await page.getByRole('menuitem', { name: /^CSV/ }).click();
  });
  const csv = (await readFile(saved.path, 'utf8')).split('\n');
  expect(csv[0]).toMatch(/^step,wall,active,train\/loss,/);
  expect(csv.slice(1, 4).map((line) => line.split(',')[0])).toEqual(['1', '2', '3']);
  await curves.scrollIntoViewIfNeeded();
  await page.waitForTimeout(1500);
  await page.screenshot({ path: info.outputPath('steering.png') });
});
