import { join, resolve } from 'node:path';
import type { Locator, Page } from '@playwright/test';

/** Where pictures of the cells are kept; only when asked for: PROTODIFF_PICTURES=1. */
export const PICTURES = resolve(import.meta.dirname, '../docs/pictures');
export const PICTURED = process.env['PROTODIFF_PICTURES'] !== undefined;
/** Panels and tiles take the colours of the other theme within this, ms. */
const REPAINTED = 1200;

/** Keeps a cell's picture in both themes, where pictures are asked for; ends in the light one. */
export async function picture(page: Page, name: string, of: Locator): Promise<void> {
  if (!PICTURED) return;
  for (const theme of ['light', 'dark']) {
    const toggle = page.getByRole('button', { name: new RegExp(`${theme} theme`, 'i') });
    if (await toggle.isVisible()) await toggle.click();
    await of.scrollIntoViewIfNeeded();
    await page.waitForTimeout(REPAINTED);
    await of.screenshot({ path: join(PICTURES, `${name}-${theme}.png`) });
  }
  await page.getByRole('button', { name: /light theme/i }).click();
}
