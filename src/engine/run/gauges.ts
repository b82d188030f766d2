import { perplexityOf, sharesOf } from '@shared/maths/clusters';
import { USAGE_WINDOW } from '@shared/prototype-alarms';

/** Steps from which on the first ones, which warm up, no longer count. */
const SETTLED = 5;

/** Running figures of a training loop: speed, time and how the prototypes are used. */
export class Gauges {
  private stepSeconds: number | null = null;
  private steps = 0;

  constructor(
    private k: number,
    private readonly batch: number,
    /** Seconds of training so far, pauses left out. */
    public active: number,
    /** The last assignments, oldest first; USAGE_WINDOW at most. */
    private readonly recent: number[] = [],
  ) {}

  add(seconds: number, index: Int32Array): void {
    this.active += seconds;
    this.steps += 1;
    // The first step of a process pays for warming up; an average would carry it for long.
    this.stepSeconds =
      this.stepSeconds === null || seconds < this.stepSeconds / 2
        ? seconds
        : 0.9 * this.stepSeconds + 0.1 * seconds;
    this.recent.push(...index);
    if (this.recent.length > USAGE_WINDOW) this.recent.splice(0, this.recent.length - USAGE_WINDOW);
  }

  /** The bank has changed: `rowOf` gives an assignment's row in one of k, or undefined where it is gone. */
  regroup(k: number, rowOf: (row: number) => number | undefined): void {
    this.k = k;
    const kept = this.recent.flatMap((row) => rowOf(row) ?? []);
    this.recent.splice(0, this.recent.length, ...kept);
  }

  get step_s(): number | null {
    return this.stepSeconds;
  }

  /** Seconds a step that another run may be told to expect; null after too few of them. */
  get settled_step_s(): number | null {
    return this.steps < SETTLED ? null : this.stepSeconds;
  }

  get images_per_s(): number | null {
    return this.stepSeconds === null ? null : this.batch / this.stepSeconds;
  }

  /** [K] shares of the last USAGE_WINDOW assignments. */
  get usage(): Float32Array {
    return sharesOf(this.recent, this.k);
  }

  /** How many assignments `usage` tells of. */
  get assignments(): number {
    return this.recent.length;
  }

  get perplexity(): number {
    return perplexityOf(this.usage);
  }

  /** The last assignments as text, so that a run that resumes has the usage of one that went on. */
  get memory(): string {
    return Buffer.from(Uint16Array.from(this.recent).buffer).toString('base64');
  }
}

/** What `memory` gave; nothing from none, and from a checkpoint that was made without. */
export function recalled(memory: string | undefined): number[] {
  const bytes = Uint8Array.from(Buffer.from(memory ?? '', 'base64'));
  return [...new Uint16Array(bytes.buffer, 0, Math.floor(bytes.length / 2))];
}
