import { join, resolve } from 'node:path';
import type { Locator, Page } from '@playwright/test';
import sharp from 'sharp';

/** Where pictures of the window are kept. */
export const PICTURES = resolve(import.meta.dirname, '../docs/pictures');
/** Panels and tiles take the colours of the other theme within this, ms. */
const REPAINTED = 1200;

/** Keeps a picture in both themes, which follow the system's; ends in the light one. */
export async function picture(page: Page, name: string, of: Locator): Promise<void> {
  for (const theme of ['dark', 'light'] as const) {
    await page.emulateMedia({ colorScheme: theme });
    await of.scrollIntoViewIfNeeded();
    await page.waitForTimeout(REPAINTED);
    await keep(await of.screenshot(), `${name}-${theme}`);
  }
}

/** A PNG of 256 colours: flat grounds and grey digits need no more. */
export async function keep(png: Buffer, name: string): Promise<void> {
  const path = join(PICTURES, `${name}.png`);
  await sharp(png).png({ palette: true, effort: 10, colours: 256 }).toFile(path);
}
