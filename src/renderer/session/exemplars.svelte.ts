import { AppError } from '@shared/errors';
import type { Client } from '@shared/protocol/client';
import type { SubscriptionEvent } from '@shared/protocol/contract';

type Event = SubscriptionEvent<'exemplars'>;

/** Images asked for of each prototype. */
export const EXEMPLARS = 4;

/** Has the engine look through a run's whole data set for the images nearest to each prototype. */
export class ExemplarsController {
  progress = $state.raw<Pick<Event, 'phase' | 'done' | 'total' | 'eta_s'>>();
  /** The last that were found; they stay while others are looked for. */
  found = $state.raw<Event>();
  error = $state.raw<AppError>();
  /** Nobody has asked yet. */
  untouched = true;
  private end: (() => void) | undefined;

  constructor(
    private readonly engine: Client,
    private readonly run: string,
  ) {}

  get working(): boolean {
    return this.progress !== undefined;
  }

  begin(): void {
    this.cancel();
    this.untouched = false;
    this.error = undefined;
    this.progress = { phase: 'waiting', done: 0, total: 0, eta_s: null };
    this.end = this.engine.subscribe(
      'exemplars',
      { run: this.run, count: EXEMPLARS },
      (event) => this.receive(event),
      {
        onError: (thrown) => {
          this.error = AppError.from(thrown);
          this.cancel();
        },
      },
    );
  }

  cancel(): void {
    this.end?.();
    this.end = undefined;
    this.progress = undefined;
  }

  private receive(event: Event): void {
    if (event.phase !== 'done') {
      const { phase, done, total, eta_s } = event;
      this.progress = { phase, done, total, eta_s };
      return;
    }
    this.found = event;
    this.cancel();
  }
}
