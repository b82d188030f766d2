/**
 * When the next step may begin: at once, in slow motion at its time, in a run that waits as often as it
 * is asked for, and never while a page loads. Times are ms of `clock`.
 */
export class Tempo {
  private waits = false;
  /** Steps asked for one by one that a waiting run has still to make. */
  private singles = 0;
  private least = 0;
  private nextAt = 0;
  private wayUntil = 0;

  constructor(private readonly clock: () => number) {}

  get paused(): boolean {
    return this.waits;
  }

  /** Slow motion: least time between the starts of two steps, ms; 0 is full speed. */
  get delay(): number {
    return this.least;
  }

  get givesWay(): boolean {
    return this.clock() < this.wayUntil;
  }

  /** Whether a step may begin now. */
  get due(): boolean {
    return this.waits ? this.singles > 0 : this.remaining <= 0;
  }

  /** Until one may begin by itself, ms. */
  get remaining(): number {
    return this.waits ? Infinity : Math.max(this.nextAt, this.wayUntil) - this.clock();
  }

  /** The run waits from now on, or goes on; single steps that were asked for are dropped. */
  pause(paused: boolean): void {
    this.waits = paused;
    this.singles = 0;
    this.nextAt = 0;
  }

  /** One step of a run that waits; how many there are to make now. */
  single(): number {
    this.singles += 1;
    return this.singles;
  }

  slow(delay: number): void {
    this.least = delay;
    this.nextAt = 0;
  }

  /** For `ms` from now, whatever way was given before. */
  giveWay(ms: number): void {
    this.wayUntil = this.clock() + ms;
  }

  /** A step begins: told before it, so that one that fails is not tried again by itself. */
  begins(): void {
    if (this.waits) this.singles -= 1;
    if (this.least > 0) this.nextAt = this.clock() + this.least;
  }
}
