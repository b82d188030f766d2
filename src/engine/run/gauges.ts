/** Running figures of a training loop: speed, time and how the prototypes are used. */
export class Gauges {
  private stepSeconds: number | null = null;
  private readonly recent: number[] = [];

  constructor(
    private readonly k: number,
    private readonly batch: number,
    /** Seconds of training so far, pauses left out. */
    public active: number,
  ) {}

  add(seconds: number, index: Int32Array): void {
    this.active += seconds;
    // The first step of a process pays for warming up; an average would carry it for long.
    this.stepSeconds =
      this.stepSeconds === null || seconds < this.stepSeconds / 2
        ? seconds
        : 0.9 * this.stepSeconds + 0.1 * seconds;
    this.recent.push(...index);
    if (this.recent.length > WINDOW) this.recent.splice(0, this.recent.length - WINDOW);
  }

  get step_s(): number | null {
    return this.stepSeconds;
  }

  get images_per_s(): number | null {
    return this.stepSeconds === null ? null : this.batch / this.stepSeconds;
  }

  /** exp of the entropy of the last 1,000 assignments: K when all are used alike, 1 when one is. */
  get perplexity(): number {
    const counts = new Array<number>(this.k).fill(0);
    for (const index of this.recent) counts[index] = (counts[index] ?? 0) + 1;
    let entropy = 0;
    for (const count of counts) {
      const share = count / this.recent.length;
      if (share > 0) entropy -= share * Math.log(share);
    }
    return Math.exp(entropy);
  }
}

const WINDOW = 1000;
