import { expect, test } from './fixtures';
import { keep } from './picture';

/** Training time before the pictures are taken, ms after the click; longer on a busy machine. */
const AFTER = 1000 * Number(process.env['AFTER_S'] ?? 240);

test('the pictures of the README', async ({ app }) => {
  const { page } = app;
  await page.setViewportSize({ width: 1440, height: 900 });
  const start = page.getByRole('button', { name: /Train digits/ });
  await expect(start).toBeEnabled();
  await expect(page.getByText(/≈ .* on this\s+computer/)).toBeVisible();
  await keep(await page.screenshot(), 'first-run');

  await start.click();
  const clicked = Date.now();
  const step = page.getByRole('progressbar', { name: 'Training progress' });
  await expect
    .poll(async () => Number(await step.getAttribute('aria-valuenow')))
    .toBeGreaterThan(0);
  console.log(`first step on screen ${Date.now() - clicked} ms after the click`);
  await page.waitForTimeout(AFTER / 2 - (Date.now() - clicked));
  const rate = page.getByRole('textbox', { name: 'Learning rate' });
  await rate.fill('1.5e-3');
  await rate.press('Enter');
  await page.waitForTimeout(AFTER - (Date.now() - clicked));

  const samples = page.getByRole('region', { name: 'Samples', exact: true });
  await samples.scrollIntoViewIfNeeded();
  await page.waitForTimeout(500);
  const shown = await samples.getByRole('slider').getAttribute('aria-valuetext');
  await keep(await samples.screenshot(), 'digits');
  console.log(
    `digits.png: ${shown}, ${Math.round((Date.now() - clicked) / 1000)} s after the click`,
  );

  await page.getByRole('region', { name: 'Note', exact: true }).scrollIntoViewIfNeeded();
  await page.waitForTimeout(500);
  await keep(await page.screenshot(), 'main-light');
  await page.getByRole('button', { name: /dark theme/ }).click();
  await page.waitForTimeout(1000);
  await keep(await page.screenshot(), 'main-dark');
  await page.getByRole('button', { name: /light theme/ }).click();
});
