import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { notebookFor, printNotebook } from '../src/shared/config/notebook';
import { configFor } from '../src/shared/config/presets';
import { expect, test } from './fixtures';
import { region } from './regions';

const TRAINED = 120_000; // ms; a loaded machine captures a step slowly

test('two jobs and a sweep: added, moved, removed, paused over a restart, trained, compared', async ({
  app,
}, info) => {
  test.setTimeout(300_000);
  await tinyNotebook(app.workspace);
  await app.relaunch();
  let { page } = app;
  let train = region(page, 'Train');
  let queue = region(page, 'Queue');
  await train.getByRole('button', { name: 'Add to queue' }).click();
  await expect(queue.getByRole('button', { name: /tiny, digits, 6 steps/ })).toBeVisible();
  // It is the only one, so it starts; what is added now waits for its turn.
  await queue.getByRole('button', { name: 'Pause the queue' }).click();
  await train.getByRole('button', { name: 'Sweep…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Sweep' });
  await dialog.getByRole('combobox', { name: 'Setting to sweep' }).fill('seed');
  await page.keyboard.press('Enter');
  await dialog.getByRole('textbox', { name: /^Seed/ }).fill('1..3');
  await expect(dialog.getByRole('button', { name: 'Add 3 runs to the queue' })).toBeEnabled();
  await page.screenshot({ path: info.outputPath('sweep.png') });
  await page.keyboard.press('Enter');
  const jobs = queue.getByRole('list', { name: 'Jobs' }).getByRole('listitem');
  await expect(jobs).toHaveCount(4);
  await queue.getByRole('button', { name: /seed 3/ }).focus();
  await page.keyboard.press('Alt+ArrowUp');
  const waiting = queue.getByRole('button', { name: /^\d Waits, / });
  await expect(waiting).toHaveText([/seed 1/, /seed 3/, /seed 2/]);
  await queue.getByRole('button', { name: /seed 1/ }).focus();
  await page.keyboard.press('Delete');
  await expect(waiting).toHaveText([/seed 3/, /seed 2/]);

  await expect(queue.getByRole('button', { name: /Done, / })).toHaveCount(1, { timeout: TRAINED });
  // The cell has taken up the run that was queued from it.
  await expect(train.getByRole('progressbar')).toHaveAttribute('aria-valuenow', '6');
  await expect(train.getByRole('button', { name: 'New run' })).toBeVisible();
  await app.relaunch();
  ({ page } = app);
  train = region(page, 'Train');
  queue = region(page, 'Queue');
  // Opening runs nothing.
  await expect(queue.getByText('2 jobs wait')).toBeVisible();
  await page.screenshot({ path: info.outputPath('queue.png') });
  await queue.getByRole('button', { name: 'Start queue' }).click();
  await expect(queue.getByRole('button', { name: /Done, / })).toHaveCount(3, { timeout: TRAINED });
  await expect(train.getByText(/is only shown here/)).toBeVisible();
  await train.getByRole('button', { name: 'Back to its own run' }).click();
  await queue.getByRole('button', { name: /^Compare seed/ }).click();
  const outcome = region(page, 'Compare').getByRole('region', { name: 'Outcome' });
  await expect(outcome.getByRole('row', { name: /^Step/ }).getByRole('cell')).toHaveText([
    '6',
    '6',
  ]);
  await page.screenshot({ path: info.outputPath('queue-done.png') });
});

/** A notebook of a model that is trained in a moment, which no run was started from. */
async function tinyNotebook(workspace: string): Promise<void> {
  const config = configFor('tiny', { kind: 'digits' });
  config.training = { ...config.training, steps: 6, validate_every: 0 };
  await mkdir(join(workspace, 'notebooks'), { recursive: true });
  const notebook = printNotebook(notebookFor(config, 'A queue.'));
  await writeFile(join(workspace, 'notebooks', 'Tiny.json'), notebook);
}
