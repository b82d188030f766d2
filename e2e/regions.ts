import type { Locator, Page } from '@playwright/test';

/** A cell, or another part of the window, by the name it gives itself. */
export const region = (page: Page, name: string): Locator =>
  page.getByRole('region', { name, exact: true });

/** The training step that the one train cell shows. */
export async function stepOf(page: Page): Promise<number> {
  const bar = region(page, 'Train').getByRole('progressbar');
  return Number(await bar.getAttribute('aria-valuenow'));
}

/** An alert as it is seen; it stands in a live region for screen readers as well. */
export const shown = (page: Page, words: RegExp): Locator => page.getByText(words).first();
