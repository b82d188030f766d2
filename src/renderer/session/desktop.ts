import { DeskAnswerSchema } from '@shared/protocol/desk';
import type { DeskAsk } from '@shared/protocol/desk';

/** The page's end of the desktop: what it asks goes through the preload to the main process. */
export class Desktop {
  private next = 0;
  private readonly waiting = new Map<number, (folder: string | null) => void>();

  constructor(
    private readonly page: Pick<Window, 'postMessage' | 'addEventListener' | 'location'>,
  ) {
    page.addEventListener('message', ({ source, data }: MessageEvent<unknown>) => {
      if (source !== this.page || typeof data !== 'object' || data === null) return;
      const { protodiff, ...body } = data as { protodiff?: unknown };
      if (protodiff !== 'desk') return;
      const { id, folder } = DeskAnswerSchema.parse(body);
      this.waiting.get(id)?.(folder);
      this.waiting.delete(id);
    });
  }

  ask(ask: DeskAsk): void {
    this.page.postMessage(ask, this.page.location.origin);
  }

  /** Null when the person chose none. */
  chooseFolder(): Promise<string | null> {
    const id = this.next;
    this.next += 1;
    return new Promise((resolve) => {
      this.waiting.set(id, resolve);
      this.ask({ desk: 'choose-folder', id });
    });
  }
}
