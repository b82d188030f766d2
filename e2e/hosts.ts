import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { _electron, chromium } from '@playwright/test';
import type { ElectronApplication, Page } from '@playwright/test';

const ROOT = resolve(import.meta.dirname, '..');
const CLOSES = 15_000; // ms that a host has to end by itself

/** What scripts/lib/windows.mjs found on this machine; a `no…` sentence says what is missing. */
export interface Windows {
  electron?: { executablePath: string; version: string };
  noElectron?: string;
  chromium?: string;
  noChromium?: string;
}

export interface SavedFile {
  name: string;
  path: string;
}

/** The value of an expression in the page; undefined while there is none. */
export type AskPage = (expression: string) => Promise<unknown>;

export interface Opened {
  page: Page;
  /** The file that `act` makes the window save. */
  download(act: () => Promise<void>): Promise<SavedFile>;
  /**
   * Kills the page's process (the desktop's alone), for which `page` is of no use from then on. What
   * comes back is asked by expressions, of the page that is there then.
   */
  killPage?: () => Promise<AskPage>;
  /** All that the host has printed so far. */
  output(): string;
  /** Closes window and host as a person would; afterwards no process of it is left. */
  close(): Promise<void>;
}

export type Open = (windows: Windows, workspace: string) => Promise<Opened>;

// For root (no sandbox), for a machine without a GPU, and so that Chromium asks nothing of the
// network.
const CHROMIUM_FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

function collect(child: ChildProcess): () => string {
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (piece: string) => {
      text += piece;
    });
  }
  return () => text;
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const limit = setTimeout(() => child.kill('SIGKILL'), CLOSES);
  await once(child, 'exit');
  clearTimeout(limit);
  if (child.signalCode === 'SIGKILL') {
    throw new Error(`The host did not end within ${CLOSES / 1000} s and was killed.`);
  }
}

async function firstLine(child: ChildProcess, output: () => string): Promise<{ url: string }> {
  if (child.stdout === null) throw new Error('The host has no stdout.');
  const lines = createInterface({ input: child.stdout });
  const line = await Promise.race([
    once(lines, 'line').then(([text]) => String(text)),
    once(child, 'exit').then(([code]) => {
      throw new Error(`The served host ended with code ${String(code)}:\n${output()}`);
    }),
  ]);
  return JSON.parse(line) as { url: string };
}

/** `protodiff serve` with Chromium before it. */
export const openServed: Open = async (windows, workspace) => {
  const child = spawn(
    process.execPath,
    [
      join(ROOT, 'out/main/cli.cjs'),
      ...['serve', '--port', '0', '--workspace', workspace, '--no-open', '--json'],
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const output = collect(child);
  try {
    const { url } = await firstLine(child, output);
    const browser = await chromium.launch({
      ...(windows.chromium === undefined ? {} : { executablePath: windows.chromium }),
      args: CHROMIUM_FLAGS,
    });
    const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
    await page.goto(url);
    return {
      page,
      output,
      download: async (act) => {
        const [file] = await Promise.all([page.waitForEvent('download'), act()]);
        return { name: file.suggestedFilename(), path: await file.path() };
      },
      close: async () => {
        await browser.close();
        child.kill('SIGTERM');
        await ended(child);
      },
    };
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
};

const LAUNCHES = 30_000; // ms that Electron has to show a window

/**
 * Starts Electron and waits for its window. About one start in twenty of the old Electron that
 * tests use never answers Playwright's debugger; such a start is ended and made once more, aloud.
 */
async function launch(
  options: Parameters<typeof _electron.launch>[0],
  attempts = 2,
): Promise<{ application: ElectronApplication; page: Page }> {
  let application: ElectronApplication | undefined;
  try {
    application = await _electron.launch({ ...options, timeout: LAUNCHES });
    return { application, page: await application.firstWindow({ timeout: LAUNCHES }) };
  } catch (error) {
    application?.process().kill('SIGKILL');
    if (attempts <= 1) throw error;
    process.stderr.write(`protodiff: Electron did not start, once more: ${String(error)}\n`);
    return await launch(options, attempts - 1);
  }
}

/** Electron asks where to save; here the answer is `folder`. It is listened to before `act` begins. */
async function downloadOf(
  application: ElectronApplication,
  folder: string,
  act: () => Promise<void>,
): Promise<SavedFile> {
  const next = await application.evaluateHandle(({ session }, into) => {
    const file = new Promise<SavedFile>((saved, failed) => {
      session.defaultSession.once('will-download', (_event, item) => {
        const name = item.getFilename();
        const path = `${into}/${name}`;
        item.setSavePath(path);
        item.once('done', (_done, state) => {
          if (state === 'completed') saved({ name, path });
          else failed(new Error(`the download of ${name} was ${state}`));
        });
      });
    });
    return { file };
  }, folder);
  await act();
  return await next.evaluate(({ file }) => file);
}

/** SIGKILL, as from a system that needs the memory. */
async function killPageOf(application: ElectronApplication): Promise<AskPage> {
  // Before it is known to be gone it would be asked, and never answer.
  const gone = await application.evaluate(({ BrowserWindow }): Promise<boolean> | undefined => {
    const contents = BrowserWindow.getAllWindows()[0]?.webContents;
    if (contents === undefined) return undefined;
    const known = new Promise<boolean>((done) =>
      contents.once('render-process-gone', () => done(true)),
    );
    process.kill(contents.getOSProcessId(), 'SIGKILL');
    return known;
  });
  if (gone !== true) throw new Error('The application has no window.');
  return (expression) =>
    application.evaluate(async ({ BrowserWindow }, asked): Promise<unknown> => {
      const contents = BrowserWindow.getAllWindows()[0]?.webContents;
      if (contents === undefined || contents.isCrashed() || contents.isLoading()) return undefined;
      return contents.executeJavaScript(asked);
    }, expression);
}

/** The desktop application, with a profile of its own. */
export const openDesktop: Open = async (windows, workspace) => {
  const profile = await mkdtemp(join(tmpdir(), 'protodiff-profile-'));
  const environment = Object.entries(process.env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  const { application, page } = await launch({
    ...(windows.electron === undefined ? {} : { executablePath: windows.electron.executablePath }),
    args: [ROOT, '--workspace', workspace],
    cwd: ROOT,
    env: { ...Object.fromEntries(environment), XDG_CONFIG_HOME: profile },
  });
  const child = application.process();
  const output = collect(child);
  return {
    page,
    output,
    download: (act) => downloadOf(application, profile, act),
    killPage: () => killPageOf(application),
    close: async () => {
      const gone = ended(child);
      await application.close();
      await gone;
      await rm(profile, { recursive: true, force: true });
    },
  };
};
