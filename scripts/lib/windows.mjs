import { provisionElectron } from '../provision-electron.mjs';
import { sentence } from './say.mjs';
import { prepareSystem } from './system.mjs';

/**
 * The two windows that the specs run in.
 * @returns {Promise<{electron?: {executablePath: string, version: string}, noElectron?: string,
 *   chromium?: string, noChromium?: string, noDisplay?: string}>} a `no…` sentence says why
 */
export async function prepareWindows() {
  const system = await prepareSystem();
  if (system.noDisplay !== undefined) return { ...system, noElectron: system.noDisplay };
  try {
    return { ...system, electron: await provisionElectron() };
  } catch (error) {
    return { ...system, noElectron: sentence(error) };
  }
}
