/** How much a person heeds the page: does something there, sees it, or has it behind others. */
export type Heed = 'used' | 'seen' | 'unseen';

/** A page counts as in use for so long after somebody did something there, ms. */
export const USED_MS = 10_000;
const DEEDS = ['pointermove', 'pointerdown', 'wheel', 'keydown', 'focus'];

/** Follows how much a page is heeded. One that was just opened is seen. */
export class Attention {
  private usedAt = -Infinity;
  private readonly listeners = new Set<() => void>();

  constructor(
    private readonly page: Window,
    private readonly now: () => number = () => performance.now(),
  ) {
    for (const deed of DEEDS) {
      page.addEventListener(deed, () => this.use(), { capture: true, passive: true });
    }
    page.document.addEventListener('visibilitychange', () => this.use());
  }

  get heed(): Heed {
    if (this.page.document.visibilityState !== 'visible') return 'unseen';
    return this.now() - this.usedAt < USED_MS ? 'used' : 'seen';
  }

  /** Called when the page is in use that was not. */
  onMore(listener: () => void): void {
    this.listeners.add(listener);
  }

  private use(): void {
    const rested = this.now() - this.usedAt >= USED_MS;
    this.usedAt = this.now();
    if (rested) for (const listener of this.listeners) listener();
  }
}
