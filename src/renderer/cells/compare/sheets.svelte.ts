import type { SheetPlan } from '@shared/config/sampling-rows';
import type { AppError } from '@shared/errors';
import type { Client } from '@shared/protocol/client';
import { sheetMakerOf } from '../samples/sheet-maker.svelte';
import type { SheetMaker } from '../samples/sheet-maker.svelte';

export interface AskedSheet {
  run: string;
  /** Undefined where the run has no weights. */
  plan: SheetPlan | undefined;
}

/** The contact sheets of a comparison: asked for together, made by the engine one after another. */
export class Sheets {
  /** Shown in place of the previews. */
  open = $state(false);
  private begun = $state.raw<readonly AskedSheet[]>([]);
  private started = 0;

  constructor(
    private readonly engine: Client,
    /** Of the cell. */
    private readonly id: string,
  ) {}

  of(run: string): SheetMaker {
    return sheetMakerOf(this.engine, `compare ${this.id} ${run}`);
  }

  begin(asked: readonly AskedSheet[]): void {
    this.cancel();
    this.open = true;
    this.begun = asked;
    this.started = performance.now();
    for (const { run, plan } of asked) if (plan) this.of(run).begin(run, plan);
  }

  /** Gives up what is not made yet; the images that came stay. */
  cancel(): void {
    for (const { run } of this.begun) this.of(run).cancel();
  }

  get working(): boolean {
    return this.begun.some(({ run }) => this.of(run).working);
  }

  /** Images of all sheets; the time that is left by the rate so far. */
  get progress(): { done: number; total: number; eta_s: number | null } {
    const plans = this.begun.flatMap(({ run, plan }) => (plan ? [{ run, plan }] : []));
    const done = plans.reduce((sum, { run }) => sum + this.of(run).images.size, 0);
    const total = plans.reduce((sum, { plan }) => sum + plan.columns.length * plan.rows, 0);
    const spent = (performance.now() - this.started) / 1000;
    return { done, total, eta_s: done === 0 ? null : (spent / done) * (total - done) };
  }

  /** Whether what is shown was made otherwise than is asked for now. */
  staleFor(asked: readonly AskedSheet[]): boolean {
    const made = asked.flatMap(({ run, plan }) => {
      const { made: before } = this.of(run);
      return before ? [JSON.stringify(before.plan) === JSON.stringify(plan)] : [];
    });
    return made.includes(false) || (made.length > 0 && made.length < asked.length);
  }

  get error(): AppError | undefined {
    return this.begun.map(({ run }) => this.of(run).error).find((error) => error !== undefined);
  }
}
