import { differencesOf } from '@shared/config/differences';
import type { Difference } from '@shared/config/differences';
import type { CellOf } from '@shared/config/notebook';
import type { RunConfig } from '@shared/config/run-config';
import type { Activity, RunSummary } from '@shared/protocol/contract';
import type { RunSession } from './run-session.svelte';

/** What a train view reads of the window's state. */
export interface TrainDesk {
  cell(trainId: string): CellOf<'train'> | undefined;
  /** The run that is shown at a train cell; null where its draft is. */
  shownAt(trainId: string): string | null;
  followed(run: string): RunSession | undefined;
  summaryOf(run: string): RunSummary | undefined;
  readonly active: Activity | null;
  draft(trainId: string): RunConfig | undefined;
}

/**
 * One train cell and the run that is shown at it. Cells that refer to it (curves, samples, …) read
 * their run here, so that each follows its own train cell.
 */
export class TrainView {
  private compared: { made: RunConfig; asked: string; changes: Difference[] } | undefined;

  constructor(
    private readonly desk: TrainDesk,
    readonly id: string,
  ) {}

  get cell(): CellOf<'train'> | undefined {
    return this.desk.cell(this.id);
  }

  /** Id of the run that is shown. */
  get run(): string | null {
    return this.desk.shownAt(this.id);
  }

  get viewed(): RunSession | undefined {
    const { run } = this;
    return run === null ? undefined : this.desk.followed(run);
  }

  get summary(): RunSummary | undefined {
    const { run } = this;
    if (run === null) return undefined;
    return this.desk.summaryOf(run) ?? this.viewed?.record?.summary;
  }

  /** The engine's activity when it is about the run shown. */
  get activity(): Activity | null {
    const { active } = this.desk;
    return active && active.run === this.run ? active : null;
  }

  /** Another run that trains: this one has to wait. */
  get elsewhere(): Activity | null {
    return this.activity ? null : this.desk.active;
  }

  /** The run shown has ended before its last step, and has a checkpoint to go on from. */
  get continuable(): boolean {
    const { summary } = this;
    return (
      !this.activity &&
      summary !== undefined &&
      summary.state !== 'finished' &&
      summary.last_checkpoint !== null
    );
  }

  /** No run is shown: the cell and those it refers to are forms. */
  get editing(): boolean {
    return this.run === null;
  }

  /** A run that was not started from this cell is shown in it. */
  get guest(): boolean {
    return this.run !== null && this.run !== (this.cell?.run ?? null);
  }

  /** The settings of the run shown, or the draft of the next one. */
  get config(): RunConfig | undefined {
    return this.run === null ? this.draft : this.viewed?.record?.config;
  }

  /** What was changed in the notebook since the cell's own run began: none means up to date. */
  get changes(): Difference[] {
    const { draft } = this;
    const made = this.guest ? undefined : this.viewed?.record?.config;
    if (!made || !draft) return [];
    // Asked anew with every status of the engine; compared anew only when something changed.
    const asked = JSON.stringify(draft);
    if (this.compared?.made !== made || this.compared.asked !== asked) {
      this.compared = { made, asked, changes: differencesOf(made, draft) };
    }
    return this.compared.changes;
  }

  /** What the notebook's cells say now. */
  get draft(): RunConfig | undefined {
    return this.desk.draft(this.id);
  }
}
