import { AppError } from '@shared/errors';
import type { RequestOutput, SubscriptionEvent } from '@shared/protocol/contract';
import type { Client } from '@shared/protocol/client';

export type Preview = RequestOutput<'samples.get'>;

const KEPT = 48;

/** Every preview of one run: the newest as it comes, and any older one on request. */
export class SamplesController {
  steps = $state.raw<number[]>([]);
  shown = $state.raw<Preview>();
  error = $state.raw<AppError>();
  /** Follow the newest preview, or stay at a chosen step. */
  live = $state(true);
  private kept = new Map<number, Preview>();
  private wanted: number | undefined;

  constructor(
    private readonly engine: Client,
    private readonly run: string,
  ) {}

  /** Lists the previews anew: at first, and when the engine went back to a checkpoint. */
  async reload(): Promise<void> {
    this.kept.clear();
    try {
      const { steps } = await this.engine.request('samples.list', { run: this.run });
      this.steps = steps;
    } catch (thrown) {
      this.error = AppError.from(thrown);
      return;
    }
    const last = this.steps.at(-1);
    if (last !== undefined && (this.live || this.shown === undefined)) await this.fetch(last);
  }

  receive(event: SubscriptionEvent<'samples'>): void {
    const { step } = event.settings;
    this.keep(event);
    // A run that went back to a checkpoint makes the previews after it again.
    this.steps = merged(this.steps, [step]);
    if (this.live) this.show(event);
  }

  /** Shows the preview of a step; the last one means: follow the run. */
  async choose(step: number): Promise<void> {
    this.live = step === this.steps.at(-1);
    await this.fetch(step);
  }

  private async fetch(step: number): Promise<void> {
    this.wanted = step;
    try {
      const preview =
        this.kept.get(step) ?? (await this.engine.request('samples.get', { run: this.run, step }));
      this.keep(preview);
      if (this.wanted === step) this.show(preview);
    } catch (thrown) {
      if (this.wanted === step) this.error = AppError.from(thrown);
    }
  }

  private show(preview: Preview): void {
    this.wanted = preview.settings.step;
    this.error = undefined;
    this.shown = preview;
  }

  private keep(preview: Preview): void {
    this.kept.delete(preview.settings.step);
    this.kept.set(preview.settings.step, preview);
    for (const step of this.kept.keys()) {
      if (this.kept.size <= KEPT) break;
      this.kept.delete(step);
    }
  }
}

function merged(steps: readonly number[], more: readonly number[]): number[] {
  return [...new Set([...steps, ...more])].sort((a, b) => a - b);
}
