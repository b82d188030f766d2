/** A page that loads has the processor for so long, … */
const LOADS_MS = 1000;
/** … or from when it asks for what it shows until it shows it, … */
const ASKED_MS = 500;
/** … but no more of them within this: one that is loaded over and over does not hold the training up, ms. */
const MOST = { pages: 3, within_ms: 30_000 };

/** What a training gives to pages that load: 15 % of its time at most, where each asks at its last moment. */
export class Way {
  /** When way was given, ms of `clock`, the newest last. */
  private given: number[] = [];

  /** @param give begins no training step for so many ms, whatever was given before */
  constructor(
    private readonly give: (ms: number) => void,
    private readonly clock: () => number = () => performance.now(),
  ) {}

  /** A page begins to load. */
  loading(): void {
    const now = this.clock();
    this.given = this.given.filter((at) => now - at < MOST.within_ms);
    if (this.given.length >= MOST.pages) return;
    this.given.push(now);
    this.give(LOADS_MS);
  }

  /** A window connects: the page that was given way to has what it needs to ask. */
  connected(): void {
    const last = this.given.at(-1) ?? -Infinity;
    if (this.clock() - last < LOADS_MS) this.give(ASKED_MS);
  }
}
