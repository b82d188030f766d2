import { expect, test } from './fixtures';
import { region, stepOf } from './regions';
import { spoiltRun } from './stored-runs';

const RESTARTS = 60_000; // ms; a loaded machine loads TensorFlow slowly
const SILENCE = '4000'; // ms, in place of 30 s

// The host reads it when it starts.
test.beforeAll(() => (process.env['PROTODIFF_SILENCE_MS'] = SILENCE));
test.afterAll(() => delete process.env['PROTODIFF_SILENCE_MS']);

test('a run goes back from a loss that is not finite with half the rate; an engine that hangs is killed on request; after three crashes its log is shown, and another goes on with the run', async ({
  app,
}) => {
  const name = (await spoiltRun(app.workspace)).split('-').slice(2).join('-');
  await app.relaunch();
  const { page } = app;
  const connected = page
    .getByRole('contentinfo', { name: 'Status' })
    .getByText('Engine connected', { exact: true });
  await expect(connected).toBeVisible({ timeout: RESTARTS });
  const train = region(page, 'Train');
  await expect(train).toContainText('Step 21 is not finite');
  await train.getByRole('button', { name: 'Go back, half the rate' }).click();
  const rate = page
    .getByRole('complementary', { name: 'Live knobs' })
    .getByRole('textbox', { name: 'Learning rate' });
  await expect(rate).toHaveValue('1.0e-3');
  await expect.poll(() => stepOf(page), { timeout: RESTARTS }).toBeGreaterThan(21);

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
  // Before it has taken the run up again.
  const before = await stepOf(page);
  process.kill(await app.enginePid(), 'SIGKILL');

  await expect(alerts).toContainText('The engine ended 3 times within five minutes', {
    timeout: 15_000,
  });
  await alerts.getByText(/^The last \d+ lines of the engine's log$/).click();
  await expect(alerts.getByRole('region', { name: "The engine's log" })).toContainText('starts');
  await alerts
    .getByRole('button', { name: new RegExp(`^Restart and continue ${name} from step`) })
    .click();
  await expect(connected).toBeVisible({ timeout: RESTARTS });
  await expect.poll(() => stepOf(page), { timeout: RESTARTS }).toBeGreaterThan(before);
  await expect(alerts).not.toContainText('The engine ended 3 times');
});
