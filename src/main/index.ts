import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { BrowserWindow, Menu, app, dialog } from 'electron';
import { AppError } from '@shared/errors';
import { engineEnv } from '../host/engine-env';
import { logTail } from '../host/log-tail';
import { resourcesFolder } from '../host/resources';
import { createSupervisor } from '../host/supervisor';
import type { Supervisor } from '../host/supervisor';
import { argument, defaultWorkspace, workspaceFolder } from '../host/workspace';
import { Broker } from './broker';
import { Desk } from './desk';
import { forkUtility } from './fork-utility';
import { declareScheme, servePage } from './page-scheme';
import { openWindow } from './window';

const workspace = workspaceFolder(argument(process.argv, 'workspace'));
// One application per workspace; another workspace gets a profile, and so a lock, of its own.
if (workspace !== defaultWorkspace()) {
  const name = createHash('sha256').update(workspace).digest('hex').slice(0, 16);
  app.setPath('userData', join(app.getPath('userData'), 'workspaces', name));
}

const supervisor: Supervisor = createSupervisor({
  fork: (env) =>
    forkUtility(join(__dirname, 'engine.cjs'), {
      ...engineEnv({
        workspace,
        resources: resourcesFolder(__dirname, app.isPackaged ? process.resourcesPath : undefined),
        importer: join(__dirname, 'importer.cjs'),
        version: app.getVersion(),
      }),
      ...env,
    }),
  onChange: (state) => broker.tell(state),
  log: () => logTail(workspace),
});
const broker = new Broker(() => supervisor, new Desk());

function showWindow(): void {
  const [open] = BrowserWindow.getAllWindows();
  if (open === undefined) {
    broker.watch(openWindow(join(__dirname, '../preload')));
    return;
  }
  if (open.isMinimized()) open.restore();
  open.focus();
}

/** No reload on Ctrl+R: it is a slip of the hand beside the notebook's own keys. */
function setMenu(): void {
  const mac = process.platform === 'darwin';
  Menu.setApplicationMenu(
    Menu.buildFromTemplate([
      ...(mac ? [{ role: 'appMenu' as const }] : []),
      { role: 'editMenu' },
      {
        label: 'View',
        submenu: [
          { role: 'resetZoom' },
          { role: 'zoomIn' },
          { role: 'zoomOut' },
          { type: 'separator' },
          { role: 'togglefullscreen' },
          { role: 'toggleDevTools' },
        ],
      },
      { role: 'windowMenu' },
    ]),
  );
}

function run(): void {
  declareScheme();
  app.on('second-instance', showWindow);
  app.on('window-all-closed', () => app.quit());
  let stopped = false;
  app.on('before-quit', (event) => {
    if (stopped) return;
    event.preventDefault();
    void supervisor.stop().then(() => {
      stopped = true;
      app.quit();
    });
  });
  void app.whenReady().then(() => {
    try {
      servePage(join(__dirname, '../renderer'));
    } catch (thrown) {
      const { message, remedy } = AppError.from(thrown);
      dialog.showErrorBox('Protodiff cannot open its window', [message, remedy].join('\n'));
      app.exit(1);
      return;
    }
    setMenu();
    supervisor.start();
    showWindow();
  });
}

if (app.requestSingleInstanceLock()) run();
else app.quit();
