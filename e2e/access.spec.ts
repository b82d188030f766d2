import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Locator, Page, TestInfo } from '@playwright/test';
import { expect, test } from './fixtures';
import { findings, sidewaysScrolls, smallTargets, tabTo, untold, watchPointer } from './screen';
import { region, stepOf } from './regions';

/** Forty pictures, of which some are 4K, are taken only where a person looks at them. */
const LOOKED_AT = process.env['PROTODIFF_PICTURES'] !== undefined;
const TRAINS = 90_000; // ms; a loaded machine captures the step slowly
/** Windows that the layout holds in; the last is 1440 x 900 zoomed to 200 %. */
const SIZES = [
  [1100, 750],
  [1920, 1080],
  [3840, 2160],
  [720, 450],
  [1440, 900],
] as const;

/** In both themes, which follow the system's; the light one is left on. */
async function inThemes(page: Page, act: (theme: string) => Promise<void>): Promise<void> {
  for (const theme of ['dark', 'light'] as const) {
    await page.emulateMedia({ colorScheme: theme });
    await expect(page.locator('html')).toHaveAttribute('data-theme', theme);
    await act(theme);
  }
}

async function expectNoFindings(page: Page): Promise<void> {
  await inThemes(page, async (theme) => {
    const rules = theme === 'dark' ? 'all' : 'colours';
    expect.soft(await findings(page, rules), theme).toEqual([]);
  });
}

/** Pictures of the whole window at a size, each screenful of the document, for whoever asks. */
async function look(page: Page, info: TestInfo, size: string): Promise<void> {
  if (process.env['PROTODIFF_LOOK'] === undefined) return;
  await inThemes(page, async (theme) => {
    for (const name of ['Train', 'Prototypes', 'Trajectories', 'Samples']) {
      await region(page, name).scrollIntoViewIfNeeded();
      await page.waitForTimeout(300);
      await page.screenshot({ path: info.outputPath(`${size}-${theme}-${name}.png`) });
    }
  });
}

test('the digits are trained, steered and looked through without a pointer', async ({
  app,
}, info) => {
  test.setTimeout(420_000);
  const { page } = app;
  const pointed = await watchPointer(page);
  const go = (to: Locator): Promise<void> => tabTo(page, to);
  const act = async (to: Locator): Promise<void> => {
    await go(to);
    await page.keyboard.press('Enter');
  };

  await test.step('start screen', async () => {
    const start = page.getByRole('button', { name: /Train digits/ });
    await expect(start).toBeFocused();
    await expect(page.getByText(/shipped with the app\..*steps/)).toBeVisible();
    await expectNoFindings(page);
    expect.soft(await smallTargets(page)).toEqual([]);
    await act(start);
    await expect.poll(() => stepOf(page), { timeout: TRAINS }).toBeGreaterThan(1);
  });

  await test.step('a knob and a preview', async () => {
    const knobs = page.getByRole('complementary', { name: 'Live knobs' });
    await go(knobs.getByRole('slider', { name: /^Learning rate/ }));
    await page.keyboard.press('ArrowLeft');
    await expect(region(page, 'Journal').getByRole('listitem')).not.toHaveCount(0);
    await go(knobs.getByRole('textbox', { name: 'Sample every' }));
    await page.keyboard.press('Control+A');
    await page.keyboard.type('10');
    await page.keyboard.press('Enter');
    const shown = region(page, 'Samples').getByRole('slider', { name: 'Training step shown' });
    await expect(shown).toBeEnabled({ timeout: TRAINS });
    await expectNoFindings(page);
    await act(region(page, 'Train').getByRole('button', { name: 'Stop', exact: true }));
    await expect(region(page, 'Train').getByRole('button', { name: /^Continue/ })).toBeVisible({
      timeout: TRAINS,
    });
    await go(shown);
    const newest = await shown.getAttribute('aria-valuetext');
    await page.keyboard.press('Home');
    await expect(shown).not.toHaveAttribute('aria-valuetext', newest ?? '');
  });

  await test.step('the map through training, and a prototype', async () => {
    const cell = region(page, 'Prototypes');
    const map = cell.getByRole('listbox', { name: 'Map of the prototypes' });
    await go(map);
    await page.keyboard.press('Home');
    await page.keyboard.press('Enter');
    await expect(map.getByRole('option', { selected: true })).toHaveAccessibleName(/^prototype 0,/);
    const scrubber = cell.getByRole('slider', { name: 'Training step of the map' });
    await go(scrubber);
    await page.keyboard.press('Home');
    await expect(scrubber).toHaveAttribute('aria-valuetext', /^step 0, 1 of /);
    await expect(map).toHaveAccessibleDescription(/at step 0,.*Perplexity|No image/);
    await page.keyboard.press('End');
    await expect(scrubber).not.toHaveAttribute('aria-valuetext', /^step 0,/);
  });

  await test.step('a contact sheet', async () => {
    const samples = region(page, 'Samples');
    await act(samples.getByRole('button', { name: 'Contact sheet' }));
    await act(samples.getByRole('button', { name: 'Settings' }));
    for (const [name, value] of Object.entries({ Steps: '2', Seeds: '1' })) {
      await go(samples.getByRole('textbox', { name, exact: true }));
      await page.keyboard.press('Control+A');
      await page.keyboard.type(value);
    }
    await tabTo(page, samples.getByRole('button', { name: 'Make the sheet' }), 'Shift+Tab');
    await page.keyboard.press('Enter');
    await expect(samples.getByRole('button', { name: 'Make again' })).toBeVisible({
      timeout: TRAINS,
    });
    await expect(samples.getByRole('table', { name: /10 of 10 images are made/ })).toBeVisible();
    const save = samples.getByRole('button', { name: 'Export Contact sheet, PNG' });
    await go(save);
    const file = await app.download(() => page.keyboard.press('Enter'));
    const bytes = await readFile(file.path);
    expect(bytes.subarray(1, 4).toString()).toBe('PNG');
  });

  await test.step('a frame of the trajectories', async () => {
    const cell = region(page, 'Trajectories');
    await act(cell.getByRole('button', { name: 'Compute' }));
    await expect(cell.getByRole('button', { name: 'Compute again' })).toBeVisible({
      timeout: TRAINS,
    });
    await expect(cell.getByRole('grid', { name: /^Trajectories, \d+ rows by/ })).toBeVisible();
  });

  await test.step('palette, keys, new cell', async () => {
    for (const keys of ['Control+k', 'Control+Shift+h']) {
      await page.keyboard.press(keys);
      await expect(page.getByRole('dialog')).toBeVisible();
      await expectNoFindings(page);
      expect.soft(await smallTargets(page), keys).toEqual([]);
      await page.keyboard.press('Escape');
      await expect(page.getByRole('dialog')).toBeHidden();
    }
  });
  await test.step('every kind of cell with its settings, and the dialogs', async () => {
    const run = async (words: string): Promise<void> => {
      await page.keyboard.press('Control+k');
      await expect(page.getByPlaceholder(/^Search actions/)).toBeFocused();
      await page.keyboard.type(words);
      await page.keyboard.press('Enter');
    };
    await run('add a compare');
    await expect(region(page, 'Compare').getByText(/Choose two runs or more/)).toBeVisible();
    for (const kind of ['data', 'model', 'train']) {
      await page.locator(`#cell-${kind}`).focus();
      await page.keyboard.press('Enter');
      await page.keyboard.press('Escape');
    }
    await expect(region(page, 'Data').getByRole('button', { name: 'Done' })).toBeVisible();
    await act(region(page, 'Trajectories').getByRole('button', { name: /^\d+ rows$/ }));
    await expectNoFindings(page);
    await act(page.getByRole('button', { name: /^Menu of [a-z]+-[a-z]+$/ }));
    await expect(page.getByRole('menu')).toBeVisible();
    await expectNoFindings(page);
    await page.keyboard.press('Escape');
    await run('branch from the last');
    await expect(page.getByRole('dialog')).toBeVisible();
    await expectNoFindings(page);
    await page.keyboard.press('Escape');
    await page.locator('#cell-compare').focus();
    await page.keyboard.press('d');
    await page.keyboard.press('d');
    await expect(region(page, 'Compare')).toBeHidden();
  });
  expect(await pointed(), 'events of a pointer').toBe(0);

  await test.step('all of it in words', async () => {
    // A panel that has just moved is a sketch until it rests.
    await expect.poll(() => untold(page)).toEqual([]);
    await expect
      .soft(region(page, 'Curves').getByRole('img', { name: /^Diffusion loss of .*\d/ }))
      .toBeVisible();
    const usage = region(page, 'Prototypes').getByRole('list', { name: /^Share of each/ });
    await expect
      .soft(usage.getByRole('button', { name: /^Prototype \d, (\d.* %|nothing assigned yet)/ }))
      .toHaveCount(10);
    // A counter that a live region held would be read out without an end.
    const live = page.locator('[aria-live], [role="status"], [role="alert"], [role="log"]');
    await expect.soft(live.filter({ has: page.getByRole('progressbar') })).toHaveCount(0);
    await expect.soft(live.filter({ hasText: /step \d|\d of \d/ })).toHaveCount(0);
  });

  await test.step('every size and both themes', async () => {
    await page.emulateMedia({ reducedMotion: 'reduce' });
    for (const [width, height] of SIZES) {
      await page.setViewportSize({ width, height });
      await expect.soft(page.locator('main')).toBeVisible();
      const size = `${width}x${height}`;
      expect.soft(await sidewaysScrolls(page), size).toEqual([]);
      expect.soft(await smallTargets(page), size).toEqual([]);
      if (LOOKED_AT) await look(page, info, size);
    }
    await expectNoFindings(page);
  });

  await test.step('the engine goes away', async () => {
    process.kill(await app.enginePid(), 'SIGKILL');
    await expect(page.getByRole('group', { name: 'Alerts' })).toContainText(/engine/i);
    await expect(page.getByRole('status').filter({ hasText: /engine/i })).toBeAttached();
    await expectNoFindings(page);
  });

  await test.step('its run is deleted from the disk', async () => {
    await app.enginePid();
    await rm(join(app.workspace, 'runs'), { recursive: true });
    await page.reload();
    const train = region(page, 'Train');
    await expect(train.getByText(/There is no run/)).toBeVisible();
    await expect(train.getByRole('button', { name: 'New run' })).toBeVisible();
    await expectNoFindings(page);
  });
});
