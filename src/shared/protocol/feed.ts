import { AppError } from '../errors';
import type { SubscriptionName } from './contract';
import type { Source } from './service';
import type { Timers } from './timers';

/** Shortest time in ms between two events of one subscription; what comes sooner coalesces. */
const MIN_INTERVAL_MS: Record<SubscriptionName, number> = {
  status: 100,
  runs: 100,
  queue: 100,
  curves: 100,
  journal: 0,
  samples: 50,
  trajectory: 50,
  sheet: 50,
  prototypes: 0,
  prototype_labels: 0,
  exemplars: 50,
};

const MAX_CREDIT = 64;

/** Anything that a subscription may yield; its schema is the contract's business. */
type Body = Record<string, unknown>;

/**
 * One subscription: pulls its source while that has something new, the window has credit, and the
 * interval has passed. A slow window thus costs one flag, never a queue.
 */
export class Feed {
  private source: Source<Body> | undefined;
  private dirty = true;
  private credit = 0;
  private seq = 0;
  private last = -Infinity;
  private timer: unknown;
  private scheduled = false;
  private closed = false;
  private held = false;

  constructor(
    private readonly name: SubscriptionName,
    private readonly timers: Timers,
    private readonly out: {
      send(event: Body, seq: number): void;
      /** The feed has closed itself. */
      fail(error: AppError): void;
    },
  ) {}

  /** Every subscription starts dirty: what there is already counts as new. */
  start(subscribe: (changed: () => void) => Source<Body>): void {
    this.source = subscribe(() => {
      this.dirty = true;
      this.schedule();
    });
    this.schedule();
  }

  /** @throws AppError `bad_message` when `n` is no number of events. */
  grant(n: unknown): void {
    if (!Number.isSafeInteger(n) || (n as number) < 1) {
      throw new AppError('bad_message', 'Credit must be a positive whole number.');
    }
    this.credit = Math.min(MAX_CREDIT, this.credit + (n as number));
    this.schedule();
  }

  /** The window does not keep up: what is new waits in the source, whatever credit there is. */
  hold(held: boolean): void {
    this.held = held;
    this.schedule();
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    if (this.timer !== undefined) this.timers.clear(this.timer);
    this.source?.close();
  }

  private schedule(): void {
    if (this.scheduled || this.closed || this.held || !this.dirty || this.credit === 0) return;
    this.scheduled = true;
    const interval = MIN_INTERVAL_MS[this.name];
    // A clock set back must not silence the feed: never wait longer than the interval.
    const wait = Math.min(interval, this.last + interval - this.timers.now());
    if (wait > 0) this.timer = this.timers.set(() => this.pump(), wait);
    else queueMicrotask(() => this.pump());
  }

  private pump(): void {
    this.scheduled = false;
    this.timer = undefined;
    if (this.closed || this.held || this.source === undefined) return;
    try {
      // Before the pull: a source that holds more than one event's worth says `changed` within it.
      this.dirty = false;
      const event = this.source.pull();
      if (event !== undefined) {
        this.credit -= 1;
        this.last = this.timers.now();
        this.out.send(event, this.seq++);
      }
    } catch (thrown) {
      this.close();
      this.out.fail(AppError.from(thrown));
      return;
    }
    this.schedule();
  }
}
