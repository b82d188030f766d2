import type { Client } from '@shared/protocol/client';
import { SamplesController } from '../../session/samples.svelte';
import type { Preview } from '../../session/samples.svelte';

/** The previews of several runs at one training step. */
export class Previews {
  /** Steps at which at least one run has a preview. */
  readonly steps = $derived.by(() =>
    [...new Set([...this.controllers.values()].flatMap(({ steps }) => steps))].sort(
      (a, b) => a - b,
    ),
  );
  /** Undefined for the newest of each run. */
  chosen = $state<number>();
  private controllers = $state.raw<ReadonlyMap<string, SamplesController>>(new Map());

  constructor(private readonly engine: Client) {}

  /** Reads the lists of the runs anew: at first, and when one of them has a new preview. */
  async follow(runs: readonly string[]): Promise<void> {
    this.controllers = new Map(
      runs.map((run) => [
        run,
        this.controllers.get(run) ?? new SamplesController(this.engine, run),
      ]),
    );
    await Promise.all([...this.controllers.values()].map((each) => each.reload()));
    if (this.chosen !== undefined) await this.choose(this.chosen);
  }

  /** Each run shows its last preview up to the step, or its first where all are later. */
  async choose(step: number): Promise<void> {
    this.chosen = step === this.steps.at(-1) ? undefined : step;
    await Promise.all(
      [...this.controllers.values()].map(async (each) => {
        const at = each.steps.filter((own) => own <= step).at(-1) ?? each.steps[0];
        if (at !== undefined) await each.choose(at);
      }),
    );
  }

  of(run: string): Preview | undefined {
    return this.controllers.get(run)?.shown;
  }

  get problem(): string | undefined {
    return [...this.controllers.values()].find(({ error }) => error)?.error?.message;
  }
}
