import { expect, test } from './fixtures';

const RESTARTS = 60_000; // ms; a loaded machine loads TensorFlow slowly
const SILENCE = '4000'; // ms, in place of 30 s

// The host reads it when it starts.
test.beforeAll(() => (process.env['PROTODIFF_SILENCE_MS'] = SILENCE));
test.afterAll(() => delete process.env['PROTODIFF_SILENCE_MS']);

test('an engine that hangs is killed on request; after three crashes its log is shown and one may ask for another', async ({
  app,
}) => {
  const { page } = app;
  const connected = page
    .getByRole('contentinfo', { name: 'Status' })
    .getByText('Engine connected', { exact: true });
  await expect(connected).toBeVisible({ timeout: RESTARTS });
  const alerts = page.getByRole('group', { name: 'Alerts' });
  const hung = await app.enginePid();
  process.kill(hung, 'SIGSTOP');
  await expect(alerts).toContainText('The engine has not answered for', { timeout: 20_000 });
  await alerts.getByRole('button', { name: 'Restart the engine' }).click();
  // The first crash of three: it did not end when it was asked.
  await expect.poll(() => app.enginePid(), { timeout: RESTARTS }).not.toBe(hung);
  const second = await app.enginePid();
  process.kill(second, 'SIGKILL');
  await expect.poll(() => app.enginePid(), { timeout: RESTARTS }).not.toBe(second);
  process.kill(await app.enginePid(), 'SIGKILL');

  await expect(alerts).toContainText('The engine ended 3 times within five minutes', {
    timeout: 15_000,
  });
  await alerts.getByText(/^The last \d+ lines of the engine's log$/).click();
  await expect(alerts.getByRole('region', { name: "The engine's log" })).toContainText('starts');
  await alerts.getByRole('button', { name: 'Restart the engine' }).click();
  await expect(connected).toBeVisible({ timeout: RESTARTS });
  await expect(alerts).not.toContainText('The engine ended 3 times');
});
