import { expect, test } from './fixtures';

test('opens on one click away from training', async ({ app }) => {
  await expect(app.page).toHaveTitle('Protodiff');
  await expect(app.page.getByRole('button', { name: /Train digits/ })).toBeEnabled();
  expect(await app.enginePid()).toBeGreaterThan(0);
});

test('opens again over the same workspace, with a new engine', async ({ app }) => {
  const first = await app.enginePid();
  await app.relaunch();
  await expect(app.page.getByRole('button', { name: /Train digits/ })).toBeEnabled();
  expect(await app.enginePid()).not.toBe(first);
});
