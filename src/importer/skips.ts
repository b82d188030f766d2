const SHOWN = 200;

/** What was passed over and why: all counted, the first listed. */
export class Skips {
  private readonly listed: { what: string; reason: string }[] = [];
  private hidden = 0;
  private counted = 0;

  add(what: string, reason: string): void {
    this.counted += 1;
    if (this.listed.length < SHOWN) this.listed.push({ what, reason });
  }

  /** What systems leave in folders without anybody asking for it: one line for all. */
  addHidden(): void {
    this.hidden += 1;
  }

  get report(): { skipped: { what: string; reason: string }[]; skipped_total: number } {
    const { listed, hidden, counted } = this;
    if (hidden === 0) return { skipped: listed, skipped_total: counted };
    const line = {
      what: `${hidden} hidden ${hidden === 1 ? 'file' : 'files'}`,
      reason: 'ignored, as .DS_Store and Thumbs.db always are',
    };
    return { skipped: [...listed.slice(0, SHOWN - 1), line], skipped_total: counted + hidden };
  }
}
