import { readFile, writeFile, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import type { Locator, Page } from '@playwright/test';
import { expect, test } from './fixtures';
import { region, shown } from './regions';

const FIRST_STEP = 60_000; // ms; a loaded machine captures the step slowly

const cells = (page: Page): Locator => page.locator('section[id^="cell-"]');
const cell = (page: Page, id: string): Locator => page.locator(`#cell-${id}`);
const order = async (page: Page): Promise<string[]> =>
  await cells(page).evaluateAll((all) => all.map(({ id }) => id.slice(5)));
const stepOf = async (train: Locator): Promise<number> =>
  Number(await train.getByRole('progressbar').getAttribute('aria-valuenow'));

/** A notebook that is not trained: the smallest of the templates. */
async function openTemplate(page: Page): Promise<void> {
  await page.getByRole('button', { name: /^s-PDM against PDM/ }).click();
  await expect(cells(page).first()).toBeVisible();
}

async function runAction(page: Page, words: string): Promise<void> {
  await page.keyboard.press('Control+k');
  const palette = page.getByRole('dialog', { name: 'Search or run' });
  await palette.getByRole('combobox').fill(words);
  await expect(palette.getByRole('option', { selected: true })).toContainText(
    new RegExp(words, 'i'),
  );
  await page.keyboard.press('Enter');
  await expect(palette).toBeHidden();
}

test('cells are added, moved, copied, deleted and brought back, by keyboard and menu', async ({
  app,
}, info) => {
  const { page } = app;
  await openTemplate(page);
  const start = await order(page);
  expect(start.slice(0, 7)).toEqual([
    'note',
    'data',
    'note-2',
    'model',
    'train',
    'curves',
    'samples',
  ]);

  // Command mode: select, copy, paste, move, undo.
  await cell(page, 'note').focus();
  await page.keyboard.press('j');
  await expect(cell(page, 'data')).toBeFocused();
  await page.keyboard.press('k');
  await page.keyboard.press('c');
  await page.keyboard.press('v');
  await expect(cells(page)).toHaveCount(start.length + 1);
  await expect(cell(page, 'note-4')).toBeFocused();
  await page.keyboard.press('Control+Shift+ArrowDown');
  expect((await order(page)).slice(0, 3)).toEqual(['note', 'data', 'note-4']);
  await page.keyboard.press('z');
  await page.keyboard.press('z');
  expect(await order(page)).toEqual(start);

  // A cell never comes before what it refers to, and the words say why.
  await cell(page, 'model').focus();
  await page.keyboard.press('Control+Shift+ArrowUp');
  await page.keyboard.press('Control+Shift+ArrowUp');
  await expect(
    page.getByRole('status').getByText(/Model \(3\) refers to Data \(2\)/),
  ).toBeVisible();
  await page.keyboard.press('z');

  // The searchable menu; what is added refers to the nearest train cell above.
  await cell(page, 'samples').focus();
  await page.keyboard.press('b');
  const menu = page.getByRole('dialog', { name: 'New cell' });
  await menu.getByRole('combobox').fill('traject');
  await page.screenshot({ path: info.outputPath('add-cell.png') });
  await page.keyboard.press('Enter');
  await expect(cell(page, 'trajectories')).toBeFocused();
  expect((await order(page))[7]).toBe('trajectories');

  // Deleting a train cell takes what refers to it along, says so, and undo brings all back.
  const before = await order(page);
  await page.getByRole('button', { name: 'Menu of Train (5)' }).click();
  await page.screenshot({ path: info.outputPath('cell-menu.png') });
  await page.getByRole('menuitem', { name: /^Delete, with Curves \(6\)/ }).click();
  const notice = shown(page, /^Train \(5\) was deleted, and with it Curves \(6\)/);
  await expect(notice).toBeVisible();
  expect(await order(page)).toEqual(
    before.filter((id) => !['train', 'curves', 'samples', 'trajectories'].includes(id)),
  );
  await page.getByRole('button', { name: 'Undo', exact: true }).click();
  expect(await order(page)).toEqual(before);

  // Folding is kept in the file; a header is dragged.
  await region(page, 'Data').getByRole('button', { name: 'Fold Data' }).click();
  const box = await cell(page, 'data').locator('header').boundingBox();
  const note = await cell(page, 'note').boundingBox();
  if (!box || !note) throw new Error('The cells have no place on the screen.');
  await page.mouse.move(box.x + box.width / 2, box.y + 12);
  await page.mouse.down();
  await page.mouse.move(note.x + 200, note.y + 4, { steps: 6 });
  await page.mouse.up();
  expect((await order(page)).slice(0, 2)).toEqual(['data', 'note']);
  await expect(page.getByText(/saved \d+ s ago|saved now/)).toBeVisible();
  await app.relaunch();
  await expect(app.page.getByRole('button', { name: 'Unfold Data' })).toBeVisible();
  expect((await order(app.page)).slice(0, 2)).toEqual(['data', 'note']);
});

test('the palette runs an action, and a key that was changed stays changed', async ({
  app,
}, info) => {
  const { page } = app;
  await openTemplate(page);
  const before = await cells(page).count();
  // The keys come before a frame is painted: none of them is lost.
  const typedInto = await page.locator('body').evaluate(async (body) => {
    const { activeElement: at } = body.ownerDocument;
    const { KeyboardEvent } = body.ownerDocument.defaultView;
    const chord = { key: 'k', code: 'KeyK', ctrlKey: true, bubbles: true, cancelable: true };
    (at ?? body).dispatchEvent(new KeyboardEvent('keydown', chord));
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
    return body.ownerDocument.activeElement?.getAttribute('role');
  });
  expect(typedInto).toBe('combobox');
  await page.keyboard.press('Escape');
  await page.keyboard.press('Control+k');
  await page.keyboard.type('curv');
  const palette = page.getByRole('dialog', { name: 'Search or run' });
  await expect(palette.getByRole('combobox')).toHaveValue('curv');
  await expect(palette.getByRole('option').first()).toContainText('Curves');
  await page.screenshot({ path: info.outputPath('palette.png') });
  await page.keyboard.press('Escape');
  await runAction(page, 'add a curves');
  await expect(cells(page)).toHaveCount(before + 1);

  await page.keyboard.press('Control+Shift+h');
  const sheet = page.getByRole('dialog', { name: 'Keys' });
  await sheet.getByRole('searchbox').fill('duplicate the cell');
  await page.screenshot({ path: info.outputPath('keys.png') });
  await sheet.getByRole('button', { name: /^Change the key of Duplicate the cell/ }).click();
  await page.keyboard.press('j');
  await expect(sheet.getByRole('alert')).toContainText('J belongs to “Select the next cell”');
  await sheet.getByRole('button', { name: 'Leave it' }).click();
  await sheet.getByRole('button', { name: /^Change the key of Duplicate the cell/ }).click();
  await page.keyboard.press('u');
  await expect(sheet.getByText('yours')).toBeVisible();
  await sheet.getByRole('button', { name: 'Close' }).click();

  await expect(page.getByText(/saved \d+ s ago|saved now/)).toBeVisible();
  await app.relaunch();
  const again = app.page;
  await expect(cells(again)).toHaveCount(before + 1);
  await cell(again, 'note').focus();
  await again.keyboard.press('u');
  await expect(cells(again)).toHaveCount(before + 2);
});

test('two train cells have two runs; a change makes the cells stale; the file opens again', async ({
  app,
}, info) => {
  test.setTimeout(240_000);
  let { page } = app;
  await openTemplate(page);
  const first = cell(page, 'train');
  await first.getByRole('button', { name: 'Train', exact: true }).click();
  await expect.poll(() => stepOf(first), { timeout: FIRST_STEP }).toBeGreaterThan(2);
  await first.getByRole('button', { name: 'Stop', exact: true }).click();
  await expect(first.getByRole('button', { name: /^Continue from step/ })).toBeVisible();
  const stopped = await stepOf(first);

  const second = cell(page, 'train-2');
  await second.getByRole('button', { name: 'Train', exact: true }).click();
  await expect.poll(() => stepOf(second), { timeout: FIRST_STEP }).toBeGreaterThan(2);
  expect(await stepOf(first)).toBe(stopped);
  const names = await Promise.all(
    ['curves', 'curves-2'].map((id) => cell(page, id).locator('header .source').innerText()),
  );
  expect(new Set(names).size).toBe(2);
  await expect(
    cell(page, 'curves-2').getByRole('img', { name: /^Diffusion loss of/ }),
  ).toBeVisible();

  // Another setting: the first run and its cells are stale, and nothing was started for it.
  await first.focus();
  await page.keyboard.press('Enter');
  const steps = first.getByRole('textbox', { name: 'Steps' });
  await expect(steps).toBeFocused();
  await steps.fill('900');
  await steps.press('Enter');
  await expect(first.getByText(/steps 800 → 900/)).toBeVisible();
  await expect(cell(page, 'curves').getByText('Stale', { exact: true })).toBeVisible();
  await expect(cell(page, 'curves-2').getByText('Stale', { exact: true })).toBeHidden();
  await page.screenshot({ path: info.outputPath('stale.png') });
  await page.keyboard.press('Escape');
  await expect(first).toBeFocused();
  await page.keyboard.press('Control+Shift+r');
  await expect(page.getByRole('alertdialog')).toContainText('stop it first');
  await page.getByRole('button', { name: 'Close' }).click();
  await first.getByRole('button', { name: 'Undo the change' }).click();
  await expect(first.getByText(/steps 800 → 900/)).toBeHidden();

  // The window alone is closed: the run goes on, and the steps made meanwhile are on the curves.
  const left = await stepOf(second);
  await page.reload();
  await expect.poll(() => stepOf(second), { timeout: FIRST_STEP }).toBeGreaterThan(left);
  const until = async (): Promise<number> => {
    const curve = cell(page, 'curves-2').getByRole('img', { name: /^Diffusion loss of/ });
    const words = (await curve.getAttribute('aria-label')) ?? '';
    return Number(/smoothed at step ([\d,]+)/.exec(words)?.[1]?.replace(/,/g, ''));
  };
  await expect.poll(until).toBeGreaterThan(left);

  // Closed while it trains and opened again: both cells have their runs, the second goes on.
  const before = await stepOf(second);
  await app.relaunch();
  page = app.page;
  await expect(cell(page, 'curves').locator('header .source')).toHaveText(names[0] ?? '');
  await expect(cell(page, 'curves-2').locator('header .source')).toHaveText(names[1] ?? '');
  expect(await stepOf(cell(page, 'train'))).toBe(stopped);
  const go = cell(page, 'train-2').getByRole('button', { name: /^Continue from step/ });
  if (await go.isVisible()) await go.click();
  await expect
    .poll(() => stepOf(cell(page, 'train-2')), { timeout: FIRST_STEP })
    .toBeGreaterThan(before);

  const file = await app.download(() => runAction(page, 'export the notebook'));
  const exported = await readFile(file.path, 'utf8');
  expect(exported.match(/<polyline points="\d/g)?.length).toBeGreaterThanOrEqual(6);
  expect(exported).toMatch(/Diffusion loss of [\w-]+: from \d/);
});

test('notebooks are renamed, deleted and restored, never written over, and exported', async ({
  app,
}, info) => {
  const { page } = app;
  await openTemplate(page);
  const rail = page.getByRole('navigation', { name: 'Workspace' });
  await rail.getByText('s-PDM against PDM').hover();
  await rail.getByRole('button', { name: 'Menu of s-PDM against PDM' }).click();
  await page.getByRole('menuitem', { name: 'Rename' }).click();
  const hostile = "a 'quoted' & name";
  await rail.getByRole('textbox').fill(hostile);
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { level: 1, name: hostile })).toBeVisible();
  const path = join(app.workspace, 'notebooks', `${hostile}.json`);

  // A note with markup of its own, which neither the notebook nor its export takes for HTML.
  await cell(page, 'note').focus();
  await page.keyboard.press('Enter');
  await page.keyboard.press('Control+a');
  await page.keyboard.type('# Found <img src=x onerror="document.title=1">');
  await page.keyboard.press('Escape');
  await expect(page.getByText(/saved \d+ s ago|saved now/)).toBeVisible();
  expect(await readFile(path, 'utf8')).toContain('onerror');

  const file = await app.download(() => runAction(page, 'export the notebook'));
  expect(file.name).toMatch(/\.html$/);
  const bytes = await readFile(file.path);
  expect(bytes.length).toBeLessThan(10_000_000);
  expect(bytes.toString()).not.toContain('<script');
  const policy = /Content-Security-Policy" content="([^"]+)"/.exec(bytes.toString())?.[1];
  expect(policy).toContain('default-src &#39;none&#39;');
  // Electron opens no second page for a spec; Chromium reads the file as a person's browser would.
  if (info.project.name === 'served') {
    const browser = page.context().browser();
    if (!browser) throw new Error('The served host has no browser.');
    const read = await browser.newPage();
    const readable = info.outputPath('export.html');
    await writeFile(readable, bytes);
    await read.goto(`file://${readable}`);
    await expect(read.getByRole('heading', { level: 1 })).toHaveText(hostile);
    await expect(read.getByRole('heading', { level: 2 })).toContainText('<img src=x');
    expect(await read.title()).toBe(hostile);
    await read.screenshot({ path: info.outputPath('export.png'), fullPage: true });
    await read.close();
  }

  // Changed by another program meanwhile: not written over, both ways are offered.
  const theirs = (await readFile(path, 'utf8')).replace('Found', 'Theirs');
  await cell(page, 'note').focus();
  await page.keyboard.press('m');
  await page.keyboard.type('mine');
  await writeFile(path, theirs);
  await utimes(path, Date.now() / 1000 + 5, Date.now() / 1000 + 5);
  await expect(shown(page, /was changed elsewhere/)).toBeVisible({ timeout: 10_000 });
  expect(await readFile(path, 'utf8')).toBe(theirs);
  await page.getByRole('button', { name: 'Take the file' }).click();
  await expect(cell(page, 'note')).toContainText('Theirs');

  await runAction(page, 'delete the notebook');
  await expect(shown(page, /was moved to the trash/)).toBeVisible();
  await page.getByRole('button', { name: 'Undo', exact: true }).click();
  await expect(cell(page, 'note')).toContainText('Theirs');
});
