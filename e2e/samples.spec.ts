import { createHash } from 'node:crypto';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import sharp from 'sharp';
import { parseJournal, printJournal } from '../src/shared/config/journal';
import { configFor } from '../src/shared/config/presets';
import { expect, test } from './fixtures';
import { region, shown } from './regions';
import { sampleStored } from './stored-runs';

const TRAINS = 90_000; // ms; a loaded machine captures the step slowly

/** Drops a file on the window, as a person does with the pointer. */
async function drop(page: Page, name: string, bytes: Uint8Array, type: string): Promise<void> {
  const file = { name, type, base64: Buffer.from(bytes).toString('base64') };
  const data = await page.evaluateHandle(({ name, type, base64 }) => {
    const content = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
    // The page's own, which the specs' types do not know.
    const { DataTransfer } = globalThis as unknown as {
      DataTransfer: new () => { items: { add(file: File): void } };
    };
    const transfer = new DataTransfer();
    transfer.items.add(new File([content], name, { type }));
    return transfer;
  }, file);
  await page.dispatchEvent('main', 'dragover', { dataTransfer: data });
  await expect(page.getByText('Drop a saved PNG')).toBeVisible();
  await page.dispatchEvent('main', 'drop', { dataTransfer: data });
  await expect(page.getByText('Drop a saved PNG')).toBeHidden();
}

/** SHA-256 of the tensors in each run's newest checkpoint; the header has times of its own. */
async function weights(workspace: string): Promise<string[]> {
  const runs = join(workspace, 'runs');
  const hashes = (await readdir(runs)).sort().map(async (run) => {
    const folder = join(runs, run, 'checkpoints');
    const newest = (await readdir(folder)).filter((file) => file.endsWith('.safetensors')).sort();
    const bytes = await readFile(join(folder, newest.at(-1) ?? ''));
    const data = bytes.subarray(8 + Number(bytes.readBigUInt64LE()));
    return createHash('sha256').update(data).digest('hex');
  });
  return await Promise.all(hashes);
}

const base = configFor('tiny', { kind: 'digits' });
const config = {
  ...base,
  // Long enough that pictures show something; else as short as a replay needs.
  training: { ...base.training, steps: 40, checkpoint_every: 10 },
};
const changes = [
  { at_step: 6, change: { lr: 4e-3 } },
  { at_step: 17, change: { tau: 2 } },
];

test('a journal replays to the same bits; mixes, pictures and animations of its run', async ({
  app,
}) => {
  test.setTimeout(240_000);
  const { page } = app;
  await expect(page.getByRole('button', { name: /Train digits/ })).toBeEnabled();

  await test.step('a journal dropped on the window starts a run that makes its changes', async () => {
    const json = new TextEncoder().encode(printJournal('made-elsewhere', config, changes));
    await drop(page, 'some.journal.json', json, 'application/json');
    await expect(shown(page, /The journal of made-elsewhere: 2 changes/)).toBeVisible();
    await page.getByRole('button', { name: 'Replay in a new run' }).click();
    await expect(page).toHaveTitle(/^\d+ % · [a-z]+-[a-z]+ · Protodiff$/);
    await expect(region(page, 'Journal').getByRole('listitem')).toHaveCount(2, { timeout: TRAINS });
  });
  const finished = region(page, 'Train').getByText('Finished').first();
  await expect(finished).toBeVisible({ timeout: TRAINS });

  await test.step('its journal is exported, and replayed in a run of the same bits', async () => {
    const journal = region(page, 'Journal');
    const file = await app.download(() =>
      journal.getByRole('button', { name: 'Export the journal' }).click(),
    );
    expect(file.name).toMatch(/\.journal\.json$/);
    const exported = parseJournal(await readFile(file.path, 'utf8'));
    expect(exported).toMatchObject({ config, changes });
    await journal.getByRole('button', { name: 'Replay in a new run' }).click();
    await expect(journal.getByText('a replay')).toBeVisible({ timeout: TRAINS });
    await expect(async () => {
      const [first, second] = await weights(app.workspace);
      expect(second).toBe(first);
    }).toPass({ timeout: TRAINS });
    await expect(finished).toBeVisible({ timeout: TRAINS });
  });

  await test.step('protodiff sample makes the bytes of the picture that this host made', async () => {
    const runs = join(app.workspace, 'runs');
    const [run = ''] = (await readdir(runs)).sort();
    const folder = join(runs, run, 'samples');
    const made = (await readdir(folder)).filter((file) => file.endsWith('.png')).sort();
    const stored = join(folder, made.at(-1) ?? '');
    const drawn = join(app.workspace, 'drawn.png');
    await sampleStored(app.workspace, run, drawn);
    const pixelsOf = (file: string): Promise<Buffer> => sharp(file).raw().toBuffer();
    expect((await pixelsOf(drawn)).equals(await pixelsOf(stored))).toBe(true);
  });

  const samples = region(page, 'Samples');
  const saved =
    await test.step('prototypes are mixed by keyboard and made as a column', async () => {
      await samples.getByRole('button', { name: 'Contact sheet' }).click();
      await samples.getByRole('button', { name: 'Settings' }).click();
      await samples.getByRole('button', { name: 'Third prototype' }).click();
      const pad = samples.getByRole('slider', { name: 'Mix of prototypes' });
      await pad.focus();
      await page.keyboard.press('Shift+ArrowUp');
      await page.keyboard.press('Shift+ArrowUp');
      await page.keyboard.press('ArrowLeft');
      await expect(pad).toHaveAttribute(
        'aria-valuetext',
        /^prototype 0 5\d %, prototype 1 2\d %, prototype 2 2\d %$/,
      );
      await expect(samples.getByRole('img', { name: 'The mix' })).toBeVisible({ timeout: 30_000 });
      await samples.getByRole('slider', { name: 'Share of prototype 0' }).fill('70');
      await samples.getByRole('button', { name: 'Add mixed column' }).click();
      await samples.getByRole('button', { name: 'Make the sheet' }).click();
      await expect(samples.getByRole('button', { name: 'Make again' })).toBeVisible({
        timeout: 60_000,
      });
      await expect(samples.getByRole('img', { name: /^70 % 0, .* % 2, seed 42$/ })).toBeVisible();
      // The search for the nearest training images makes the sheet once more.
      await samples.getByRole('button', { name: 'Nearest training image' }).click();
      const near = samples.getByRole('img', {
        name: /^nearest training image, number \d+, distance/,
      });
      await expect(near).toHaveCount(20, { timeout: 60_000 });
      await expect(
        samples.getByText(/training images are usually .* from each other/).first(),
      ).toBeVisible({ timeout: 60_000 });
      const file = await app.download(() =>
        samples.getByRole('button', { name: 'Export Contact sheet, PNG' }).click(),
      );
      return { name: file.name, bytes: await readFile(file.path) };
    });

  await test.step('the saved PNG, dropped or opened, restores the cell', async () => {
    const seed = samples.getByRole('textbox', { name: 'First seed' });
    await seed.fill('7');
    await seed.press('Enter');
    await samples.getByRole('button', { name: 'Without mixes' }).click();
    await expect(samples.getByRole('button', { name: 'Without mixes' })).toBeHidden();
    await drop(page, saved.name, saved.bytes, 'image/png');
    await expect(page.getByText('Samples has the settings of the file again')).toBeVisible();
    await expect(seed).toHaveValue('42');
    await expect(samples.getByRole('button', { name: 'Without mixes' })).toBeVisible();

    const foreign = await sharp({ create: { width: 2, height: 2, channels: 3, background: 'red' } })
      .png()
      .toBuffer();
    await page
      .locator('input[type="file"]')
      .setInputFiles({ name: 'holiday.png', mimeType: 'image/png', buffer: foreign });
    await expect(page.getByText('holiday.png holds no settings')).toBeVisible();
    await page.getByRole('button', { name: 'Dismiss' }).click();
  });

  await test.step('trajectories are saved as GIF and WebP that others read', async () => {
    const cell = region(page, 'Trajectories');
    await cell.getByRole('button', { name: 'Compute' }).click();
    await expect(cell.getByRole('button', { name: 'Compute again' })).toBeVisible({
      timeout: 60_000,
    });
    const columns = (await cell.getByRole('columnheader').count()) - 1;
    for (const kind of ['gif', 'webp'] as const) {
      const file = await app.download(() =>
        cell.getByRole('button', { name: new RegExp(kind, 'i') }).click(),
      );
      expect(file.name).toMatch(new RegExp(`_step_\\d{8}_seed_42_x_0\\.${kind}$`));
      const bytes = await readFile(file.path);
      const read = await sharp(bytes, { animated: true }).metadata();
      expect([read.format, read.pages]).toEqual([kind, columns]);
      expect(read.delay?.slice(0, 2)).toEqual([140, 140]);
      expect(read.delay?.at(-1)).toBeGreaterThan(1000);
      expect(read.width).toBeGreaterThan(200);
      expect(bytes.toString('latin1')).toContain('weights_steps');
    }
  });
});
