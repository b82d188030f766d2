import { readFile } from 'node:fs/promises';
import type { Locator } from '@playwright/test';
import { decode } from 'fast-png';
import { expect, test } from './fixtures';
import { storedRun } from './stored-runs';
import { region, stepOf } from './regions';

const FIRST_STEP = 60_000; // ms; a loaded machine captures the step slowly

test('curves: runs overlaid, one crosshair, zoom kept while live, files; runs compared', async ({
  app,
}, info) => {
  test.setTimeout(300_000);
  const tiny = ['--set', 'training.steps=60'];
  const first = await storedRun(app.workspace, ...tiny);
  const second = await storedRun(app.workspace, ...tiny, '--set', 'lr=5e-4');
  await app.relaunch();
  const { page } = app;
  await page.getByRole('button', { name: /Train digits/ }).click();
  await expect.poll(() => stepOf(page), { timeout: FIRST_STEP }).toBeGreaterThan(3);

  const curves = region(page, 'Curves');
  await curves.scrollIntoViewIfNeeded();
  const chart = (title: string): Locator =>
    curves.getByRole('slider', { name: `${title}, crosshair` });

  // Two stored runs beside the live one; only they were validated so far.
  await curves.getByRole('button', { name: 'Runs', exact: true }).click();
  for (const run of [first, second]) {
    const name = run.split('-').slice(2).join('-');
    await page.getByRole('menuitemcheckbox', { name: new RegExp(name) }).click();
  }
  await page.keyboard.press('Escape');
  await expect(curves.getByRole('img', { name: /^Total loss of (.*; ){2}/ })).toBeVisible();
  await expect(
    curves.getByRole('img', { name: /^Validation by quarter of t of .*q4 \(t 750–999\)/ }),
  ).toBeVisible();

  // Panels are chosen, and stay so.
  await curves.getByRole('button', { name: 'Panels' }).click();
  await page.getByRole('menuitemcheckbox', { name: 'Gradient norm' }).click();
  await page.getByRole('menuitemcheckbox', { name: 'Validation loss' }).click();
  await page.keyboard.press('Escape');
  await expect(chart('Gradient norm')).toHaveCount(0);
  await curves.getByRole('figure', { name: /^Validation loss/ }).scrollIntoViewIfNeeded();
  await expect(chart('Validation loss')).toBeVisible();
  await curves.scrollIntoViewIfNeeded();

  // The crosshair by keyboard: one through all panels, raw and smoothed values told.
  const total = chart('Total loss');
  await total.focus();
  await page.keyboard.press('End');
  for (let i = 0; i < 2; i++) await page.keyboard.press('Shift+ArrowLeft');
  await expect(total).toHaveAttribute('aria-valuetext', /raw \d.*step \d+; .*raw/);
  expect(await curves.locator('i.cross').count()).toBeGreaterThanOrEqual(4);
  await page.screenshot({ path: info.outputPath('crosshair.png') });

  // Zoomed by keyboard, the window stays while steps come in; a drag with Shift moves it.
  const window = async (): Promise<number[]> =>
    Promise.all(
      ['aria-valuemin', 'aria-valuemax'].map(async (name) =>
        Number(await total.getAttribute(name)),
      ),
    );
  for (let i = 0; i < 2; i++) {
    const [from] = await window();
    await page.keyboard.press('+');
    await expect.poll(async () => (await window())[0]).not.toBe(from);
  }
  const zoomed = await window();
  expect((zoomed[1] ?? 0) - (zoomed[0] ?? 0)).toBeLessThan(60);
  const before = await stepOf(page);
  await expect.poll(() => stepOf(page), { timeout: 60_000 }).toBeGreaterThan(before + 5);
  expect(await window()).toEqual(zoomed);
  const box = await total.boundingBox();
  if (!box) throw new Error('the chart is not on the screen');
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  await page.keyboard.down('Shift');
  await page.mouse.move(x, y);
  await page.mouse.down();
  await page.mouse.move(x + 60, y, { steps: 4 });
  await page.mouse.up();
  await page.keyboard.up('Shift');
  expect((await window())[0]).toBeLessThan(zoomed[0] ?? 0);
  // A box: both of its sides are smaller windows.
  const moved = await window();
  await page.mouse.move(x - 60, y - 30);
  await page.mouse.down();
  await page.mouse.move(x + 40, y + 30, { steps: 4 });
  await page.mouse.up();
  const width = ([from = 0, to = 0]: number[]): number => to - from;
  await expect.poll(async () => width(await window())).toBeLessThan(width(moved));
  await curves.getByRole('button', { name: 'Fit all charts' }).click();
  await expect(total).toHaveAttribute('aria-valuemin', '0');

  // Files: every run's rows, and pictures with something in them.
  const save = async (of: string, kind: RegExp): Promise<Buffer> => {
    const { path } = await app.download(async () => {
      await curves.getByRole('button', { name: of, exact: true }).click();
      await page.getByRole('menuitem', { name: kind }).click();
    });
    return readFile(path);
  };
  const rows = (await save('Save the curves', /^CSV/)).toString().split('\n');
  expect(rows[0]).toMatch(/^run,step,wall,active,train\/loss,/);
  const header = rows[0]?.split(',') ?? [];
  const validated = rows.filter(
    (row) => row.startsWith(`${second},`) && row.split(',')[header.indexOf('val/loss')] !== '',
  );
  expect(validated.map((row) => row.split(',')[1])).toEqual(['20', '40', '60']);
  const one = (await save('Save Validation loss', /^CSV/)).toString().split('\n');
  expect(one.filter((row) => row.startsWith(`${first},val/loss,`))).toHaveLength(3);
  const png = decode(await save('Save the curves', /^PNG/));
  expect(png.width).toBeGreaterThan(600);
  expect(new Set(png.data).size).toBeGreaterThan(20);
  const svg = (await save('Save Total loss', /^SVG/)).toString();
  expect(svg).toMatch(/^<svg xmlns=[^]*<\/svg>\s*$/);
  expect(svg.match(/class="js-line"/g)?.length).toBeGreaterThanOrEqual(6);
  expect(svg).toContain('Total loss: ');
});
