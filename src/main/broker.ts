import { MessageChannelMain, ipcMain } from 'electron';
import type { BrowserWindow } from 'electron';
import type { HostState } from '@shared/protocol/host';
import type { EngineHandle } from '../host/engine-handle';
import type { Supervisor } from '../host/supervisor';
import type { Desk } from './desk';
import { PAGE_ORIGIN } from './page-scheme';
import { offerReload } from './window';

/** Where a page's process goes again within this a person is asked before it is loaded again. */
const GONE_AGAIN_MS = 5000;

/**
 * Joins each loaded page to each engine by one port, and is then out of the way: frames do not
 * pass through this process.
 */
export class Broker {
  private window: BrowserWindow | undefined;
  /** The page has asked since it was loaded. */
  private pageReady = false;
  /** The engine that this page has a port to. */
  private joined: EngineHandle | undefined;

  constructor(
    private readonly supervisor: () => Supervisor,
    private readonly desk: Desk,
  ) {
    ipcMain.on('ready', (event) => {
      if (!this.isPage(event)) return;
      this.pageReady = true;
      this.joined = undefined;
      this.tell(this.supervisor().state);
    });
    ipcMain.on('restart', (event) => {
      if (this.isPage(event)) this.supervisor().restart();
    });
    ipcMain.on('desk', (event, ask: unknown) => {
      if (this.isPage(event)) this.desk.ask(ask, event.sender);
    });
  }

  watch(window: BrowserWindow): void {
    this.window = window;
    this.pageReady = false;
    window.webContents.on('did-start-navigation', (_details, _url, isInPlace, isMainFrame) => {
      if (!isMainFrame || isInPlace) return;
      this.pageReady = false;
      this.supervisor().engine?.postMessage({ type: 'loading' });
    });
    let lastGone = -Infinity;
    window.webContents.on('render-process-gone', (_event, { reason }) => {
      // Else the page's process was killed or has crashed.
      if (reason === 'clean-exit') return;
      const again = performance.now() - lastGone < GONE_AGAIN_MS;
      lastGone = performance.now();
      if (again) void offerReload(window);
      else window.webContents.reload();
    });
    window.once('closed', () => {
      this.window = undefined;
      this.pageReady = false;
      this.desk.rest();
    });
  }

  /** To be called at every change of the engine's state. */
  tell(state: HostState): void {
    if (this.window === undefined || !this.pageReady) return;
    this.window.webContents.send('host', state);
    const { engine } = this.supervisor();
    if (engine === undefined || engine === this.joined) return;
    this.joined = engine;
    const { port1, port2 } = new MessageChannelMain();
    // What the page sends before the engine is ready waits in the port.
    engine.postMessage({ type: 'port' }, [port1]);
    this.window.webContents.postMessage('port', null, [port2]);
  }

  private isPage(event: Electron.IpcMainEvent): boolean {
    const { sender, senderFrame } = event;
    return (
      sender === this.window?.webContents &&
      senderFrame === sender.mainFrame &&
      senderFrame.url.startsWith(`${PAGE_ORIGIN}/`)
    );
  }
}
