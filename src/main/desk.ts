import { BrowserWindow, Notification, dialog, powerSaveBlocker } from 'electron';
import type { WebContents } from 'electron';
import { DeskAskSchema } from '@shared/protocol/desk';
import type { DeskAnswer, DeskAsk } from '@shared/protocol/desk';
import { assertNever } from '@shared/errors';

/** Does what the page asks of the desktop. */
export class Desk {
  /** Of the block that keeps the machine awake, while there is one. */
  private block: number | undefined;

  /** @param value  from the page, not trusted */
  ask(value: unknown, page: WebContents): void {
    const parsed = DeskAskSchema.safeParse(value);
    if (!parsed.success) {
      console.error('The page asked for what the desktop does not know.', parsed.error);
      return;
    }
    const window = BrowserWindow.fromWebContents(page);
    if (window !== null) this.act(parsed.data, window);
  }

  /** The page is gone: nothing trains for it any more. */
  rest(): void {
    if (this.block !== undefined) powerSaveBlocker.stop(this.block);
    this.block = undefined;
  }

  private act(ask: DeskAsk, window: BrowserWindow): void {
    switch (ask.desk) {
      case 'training':
        if (ask.active) this.block ??= powerSaveBlocker.start('prevent-app-suspension');
        else this.rest();
        // -1 takes the bar away.
        window.setProgressBar(ask.progress ?? -1);
        return;
      case 'notify':
        notify(ask.title, ask.body, window);
        return;
      case 'choose-folder':
        void chooseFolder(window).then((folder) => {
          const answer: DeskAnswer = { id: ask.id, folder };
          if (!window.isDestroyed()) window.webContents.send('desk', answer);
        });
        return;
      default:
        assertNever(ask);
    }
  }
}

/** Kept while they are shown: one that is collected loses its click. */
const shown = new Set<Notification>();

function notify(title: string, body: string, window: BrowserWindow): void {
  if (!Notification.isSupported()) return;
  const notification = new Notification({ title, body });
  shown.add(notification);
  notification.on('click', () => {
    if (window.isDestroyed()) return;
    if (window.isMinimized()) window.restore();
    window.focus();
  });
  notification.on('close', () => shown.delete(notification));
  notification.show();
}

async function chooseFolder(window: BrowserWindow): Promise<string | null> {
  const { canceled, filePaths } = await dialog.showOpenDialog(window, {
    title: 'Choose a folder of images',
    properties: ['openDirectory'],
  });
  return canceled ? null : (filePaths[0] ?? null);
}
