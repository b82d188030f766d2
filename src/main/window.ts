import { join } from 'node:path';
import { BrowserWindow, dialog, nativeTheme } from 'electron';
import { PAGE_ORIGIN } from './page-scheme';

/** As the page's background tokens, so that the window does not flash before the page draws. */
const BACKGROUND = { light: '#f7f8f9', dark: '#14171b' };

export function openWindow(preloadFolder: string): BrowserWindow {
  const window = new BrowserWindow({
    width: 1440,
    height: 900,
    minWidth: 1100,
    minHeight: 750,
    title: 'Protodiff',
    show: false,
    backgroundColor: nativeTheme.shouldUseDarkColors ? BACKGROUND.dark : BACKGROUND.light,
    webPreferences: {
      preload: join(preloadFolder, 'index.cjs'),
      contextIsolation: true,
      sandbox: true,
      nodeIntegration: false,
      webSecurity: true,
      spellcheck: false,
    },
  });
  const { webContents } = window;
  const { session } = webContents;
  webContents.setWindowOpenHandler(() => ({ action: 'deny' }));
  webContents.on('will-navigate', (event, url) => {
    // A reload is a navigation too.
    if (new URL(url).host !== new URL(PAGE_ORIGIN).host) event.preventDefault();
  });
  webContents.on('will-attach-webview', (event) => event.preventDefault());
  session.setPermissionRequestHandler((_contents, _permission, answer) => answer(false));
  session.setPermissionCheckHandler(() => false);
  window.once('ready-to-show', () => window.show());
  void window.loadURL(`${PAGE_ORIGIN}/`);
  return window;
}

/** Its page has gone twice in a moment, and would for ever if it were loaded again unasked. */
export async function offerReload(window: BrowserWindow): Promise<void> {
  const { response } = await dialog.showMessageBox(window, {
    type: 'warning',
    message: "The window's process ended twice within a few seconds.",
    detail: 'The training goes on: the engine has a process of its own, and no step is lost.',
    buttons: ['Load the window again', 'Quit'],
    defaultId: 0,
    cancelId: 0,
  });
  if (window.isDestroyed()) return;
  if (response === 0) window.webContents.reload();
  else window.close();
}
