import { existsSync, readFileSync } from 'node:fs';
import type { Browser } from '@playwright/test';

/** Processes of the pages that a browser shows. */
export async function renderersOf(browser: Browser): Promise<number[]> {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  await session.detach();
  return processInfo
    .filter(({ id, type }) => type === 'renderer' && !isBrowsers(id))
    .map(({ id }) => id);
}

/** Parts of the browser's own frame are pages too, in a process of theirs. */
function isBrowsers(pid: number): boolean {
  const told = `/proc/${pid}/cmdline`;
  return existsSync(told) && readFileSync(told, 'utf8').includes('--top-chrome-webui');
}
