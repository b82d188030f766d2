import { expect, test } from './fixtures';
import { region, stepOf } from './regions';
import { storedRun } from './stored-runs';

const TRAINS = 120_000; // ms; a loaded machine captures the step slowly

test('a branch from a step of a curve: another rate, below its parent, a segment that grows', async ({
  app,
}, info) => {
  test.setTimeout(300_000);
  const settings = ['steps=1100', 'checkpoint_every=1000', 'validate_every=100'];
  const parent = await storedRun(
    app.workspace,
    ...settings.flatMap((each) => ['--set', `training.${each}`]),
  );
  const name = parent.split('-').slice(2).join('-');
  await app.relaunch();
  const { page } = app;
  const runs = region(page, 'Runs');
  await runs
    .getByRole('button', { name: new RegExp(name) })
    .first()
    .click();
  const curves = region(page, 'Curves');
  const total = curves.getByRole('slider', { name: 'Total loss, crosshair' });
  await expect(total).toHaveAttribute('aria-valuemax', '1100');

  // Somewhere between two checkpoints: the one before it is taken.
  const box = await total.boundingBox();
  if (!box) throw new Error('the chart is not on the screen');
  await total.click({ button: 'right', position: { x: 0.96 * box.width, y: box.height / 2 } });
  await page
    .getByRole('menuitem', { name: new RegExp(`^Branch ${name} from step 1,0\\d\\d`) })
    .click();
  const dialog = page.getByRole('dialog', { name: `Branch ${name}` });
  await expect(dialog.getByText(/has no checkpoint: step 1,000 is the nearest/)).toBeVisible();
  await dialog.getByRole('textbox', { name: 'Learning rate' }).fill('5e-4');
  await dialog.getByRole('textbox', { name: 'Train to step' }).fill('50000');
  await page.keyboard.press('Tab');
  await expect(dialog.getByText(/lr 0\.002 → 0\.0005/)).toBeVisible();
  await page.screenshot({ path: info.outputPath('dialog.png') });
  await dialog.getByRole('button', { name: 'Branch', exact: true }).click();

  await expect(
    runs.getByRole('button', { name: new RegExp(`branched from ${name} at step 1,000`) }),
  ).toBeVisible();
  await expect.poll(() => stepOf(page), { timeout: TRAINS }).toBeGreaterThan(1005);
  // The parent's curves end where the branch's begin, and those grow while it trains.
  await expect(curves.getByText(/to 1,000$/)).toBeVisible();
  // Nothing else draws the panels anew until the next checkpoint, a thousand steps on.
  const own = curves.getByRole('img', { name: /^Total loss of [^;]*from .* at step 1,001 to / });
  await expect(own).toBeVisible();
  // What its parent has had all along, and it has from its first validation on.
  await expect(
    curves.getByRole('img', { name: /^Validation by quarter of t of .*at step 1,100 to / }),
  ).toBeVisible({ timeout: TRAINS });
  const reached = async (): Promise<number> => Number(await total.getAttribute('aria-valuemax'));
  const before = await reached();
  expect(before).toBeGreaterThan(1000);
  await expect.poll(reached, { timeout: TRAINS }).toBeGreaterThan(before);
  await page.screenshot({ path: info.outputPath('segments.png') });
});
