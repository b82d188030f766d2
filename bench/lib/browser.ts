import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from '@playwright/test';
import type { BrowserContext } from '@playwright/test';
import WebSocket from 'ws';

interface ProcessInfo {
  id: number;
  type: string;
  /** Processor time, s. */
  cpuTime: number;
}

/** A Chromium with a profile of its own on disk, as a person's has: what it has compiled it keeps. */
export interface Browser {
  context: BrowserContext;
  /** Pids of the pages that it shows. */
  renderers(): Promise<number[]>;
  /** Processor time of all its processes, s; that of ended ones is lost. */
  cpu(): Promise<number>;
  close(): Promise<void>;
}

export async function openBrowser(executablePath: string | undefined): Promise<Browser> {
  const profile = mkdtempSync(join(tmpdir(), 'protodiff-browser-'));
  const context = await chromium.launchPersistentContext(profile, {
    ...(executablePath !== undefined && { executablePath }),
    viewport: { width: 1440, height: 900 },
    bypassCSP: true,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--no-first-run',
      '--disable-sync',
      // Beside Playwright's own way to the browser, which does not reach its processes.
      '--remote-debugging-port=0',
    ],
  });
  const [port, path] = readFileSync(join(profile, 'DevToolsActivePort'), 'utf8').split('\n');
  const processes = (): Promise<ProcessInfo[]> => askProcesses(`ws://127.0.0.1:${port}${path}`);
  return {
    context,
    renderers: async () =>
      (await processes())
        .filter(({ id, type }) => type === 'renderer' && !isBrowsers(id))
        .map(({ id }) => id),
    cpu: async () => (await processes()).reduce((sum, { cpuTime }) => sum + cpuTime, 0),
    close: async () => {
      await context.close();
      rmSync(profile, { recursive: true, force: true });
    },
  };
}

function askProcesses(address: string): Promise<ProcessInfo[]> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(address);
    socket.once('open', () => socket.send('{"id":1,"method":"SystemInfo.getProcessInfo"}'));
    socket.once('message', (data: Buffer) => {
      socket.close();
      const { result } = JSON.parse(data.toString()) as {
        result?: { processInfo: ProcessInfo[] };
      };
      if (result) resolve(result.processInfo);
      else reject(new Error(`The browser does not tell its processes: ${data.toString()}`));
    });
    socket.once('error', reject);
  });
}

/** Parts of the browser's own frame are pages too, in a process of theirs. */
function isBrowsers(pid: number): boolean {
  const told = `/proc/${pid}/cmdline`;
  return existsSync(told) && readFileSync(told, 'utf8').includes('--top-chrome-webui');
}
