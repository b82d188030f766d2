/** Once before all specs: a build, the two windows and a display for them. */
import { build } from '../scripts/build.mjs';
import { startDisplay } from '../scripts/lib/system.mjs';
import { prepareWindows } from '../scripts/lib/windows.mjs';

export default async function setup() {
  await build();
  // `npm test` has prepared them already; `playwright test` by itself has not.
  process.env.PROTODIFF_WINDOWS ??= JSON.stringify(await prepareWindows());
  const { display, stop } = await startDisplay();
  if (display !== undefined) process.env.DISPLAY = display;
  return stop;
}
