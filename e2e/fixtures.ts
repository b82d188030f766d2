import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test as base } from '@playwright/test';
import type { Page, TestInfo } from '@playwright/test';
import { openDesktop, openServed } from './hosts';
import type { Opened, Windows } from './hosts';

export interface HostOptions {
  host: 'served' | 'desktop';
}

/** The application in one of its hosts, over a workspace that is empty at first. */
export interface App {
  /** The window now open; another one after `relaunch`. */
  readonly page: Page;
  /** The workspace's folder. */
  readonly workspace: string;
  /** The file that `act` makes the window save. */
  readonly download: Opened['download'];
  readonly killPage: Opened['killPage'];
  /** Process id of the engine that is alive now; waits for one that is being restarted. */
  enginePid(): Promise<number>;
  /** Closes window and host, and opens both again over the same workspace. */
  relaunch(): Promise<void>;
}

const ENGINE_STARTS = 30_000; // ms
const ENGINE_ENDS = 5_000; // ms that an engine may outlive its host

const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

/** The pid in `engine.json`, which an engine writes when it starts; undefined where there is none. */
async function engineOf(workspace: string): Promise<number | undefined> {
  try {
    const { pid } = JSON.parse(await readFile(join(workspace, 'engine.json'), 'utf8')) as {
      pid: number;
    };
    return pid;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

async function enginePid(workspace: string): Promise<number> {
  for (const until = Date.now() + ENGINE_STARTS; Date.now() < until; await pause(100)) {
    const pid = await engineOf(workspace);
    if (pid !== undefined && isAlive(pid)) return pid;
  }
  throw new Error(`No engine came to life within ${ENGINE_STARTS / 1000} s.`);
}

async function expectNoEngine(workspace: string): Promise<void> {
  const pid = await engineOf(workspace);
  for (const until = Date.now() + ENGINE_ENDS; Date.now() < until; await pause(50)) {
    if (pid === undefined || !isAlive(pid)) return;
  }
  throw new Error(`Engine ${pid} outlived its host by ${ENGINE_ENDS / 1000} s.`);
}

/** Skips where the machine lacks what the host needs; on CI that is a failure. */
function requireHost(host: HostOptions['host'], windows: Windows, info: TestInfo): void {
  const missing = host === 'served' ? windows.noChromium : windows.noElectron;
  if (missing === undefined) return;
  if (process.env['CI'] !== undefined) throw new Error(missing);
  process.stderr.write(`protodiff: skipped in the ${host} host: ${missing}\n`);
  info.skip(true, missing);
}

async function attachTrouble(opened: Opened, info: TestInfo): Promise<void> {
  await info.attach('host output', { body: opened.output(), contentType: 'text/plain' });
  if (opened.page.isClosed()) return;
  const path = info.outputPath('failure.png');
  await opened.page.screenshot({ path });
  await info.attach('screenshot', { path, contentType: 'image/png' });
}

export const test = base.extend<HostOptions & { app: App }>({
  host: ['served', { option: true }],
  app: async ({ host }, use, info) => {
    const windows = JSON.parse(process.env['PROTODIFF_WINDOWS'] ?? '{}') as Windows;
    requireHost(host, windows, info);
    const open = host === 'served' ? openServed : openDesktop;
    const workspace = await mkdtemp(join(tmpdir(), 'protodiff-e2e-'));
    try {
      let opened = await open(windows, workspace);
      const close = async (): Promise<void> => {
        await opened.close();
        await expectNoEngine(workspace);
      };
      await use({
        get page() {
          return opened.page;
        },
        workspace,
        download: (act) => opened.download(act),
        get killPage() {
          return opened.killPage;
        },
        enginePid: () => enginePid(workspace),
        relaunch: async () => {
          await close();
          opened = await open(windows, workspace);
        },
      });
      if (info.status !== info.expectedStatus) await attachTrouble(opened, info);
      await close();
    } finally {
      await rm(workspace, { recursive: true, force: true });
    }
  },
});

export { expect } from '@playwright/test';
