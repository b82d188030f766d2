import type { JournalFile } from '@shared/config/journal';
import { AppError } from '@shared/errors';
import { bytes as size, count } from '../components/format';
import { MOST_BYTES, readSaved } from './saved-file';
import type { Saved } from './saved-file';

export type Wanted = Exclude<Saved, { kind: 'journal' }>;

/** What was done with a file, for the person. */
interface Said {
  level: 'info' | 'warning' | 'error';
  message: string;
  remedy?: string | undefined;
}

/** What the window has to offer for it. */
export interface Place {
  /** The runs of this workspace, by id. */
  runs(): readonly string[];
  /** Cells of the kind that the open notebook has; undefined where there is no notebook. */
  cells(kind: 'samples' | 'trajectories'): number | undefined;
  view(run: string): void;
}

/** Takes saved files, dropped or chosen, and hands their settings to the cell that made them. */
export class RestoreController {
  /** To be taken up by the cell of its kind once its run is viewed. */
  wanted = $state.raw<Wanted>();
  /** A journal that was opened: a replay is offered. */
  journal = $state.raw<JournalFile>();
  said = $state.raw<Said>();

  constructor(private readonly place: Place) {}

  async open(file: Pick<File, 'name' | 'size' | 'arrayBuffer'>): Promise<void> {
    this.dismiss();
    try {
      if (file.size > MOST_BYTES) {
        throw new AppError(
          'bad_data',
          `${file.name} is larger (${size(file.size)}) than anything that Protodiff saves, and was not read.`,
        );
      }
      this.take(readSaved(file.name, new Uint8Array(await file.arrayBuffer())));
    } catch (thrown) {
      const { message, remedy } = AppError.from(thrown);
      this.said = { level: 'error', message, remedy };
    }
  }

  private take(saved: Saved): void {
    if (saved.kind === 'journal') {
      this.journal = saved.journal;
      return;
    }
    if (!this.place.runs().includes(saved.run)) {
      throw new AppError(
        'not_found',
        `Its settings are of the run ${saved.run}, which is not in this workspace.`,
        { remedy: 'Open the workspace that holds the run, or put its folder into this one.' },
      );
    }
    const kind = saved.kind === 'trajectories' ? 'trajectories' : 'samples';
    if (this.place.cells(kind) === 0) {
      throw new AppError('not_found', `This notebook has no ${kind} cell to restore.`, {
        remedy: `Add a ${kind} cell first.`,
      });
    }
    this.place.view(saved.run);
    this.wanted = saved;
    // Replaced once the cell has them: a folded one takes them when it is unfolded.
    this.said = { level: 'info', message: `The settings of the file wait for the ${kind} cell.` };
  }

  /** A cell has taken the settings up. `checkpoint`: whether the very weights are still stored. */
  restored(title: string, step: number, checkpoint: boolean): void {
    this.wanted = undefined;
    this.said = checkpoint
      ? {
          level: 'info',
          message: `${title} has the settings of the file again, at step ${count(step)}.`,
        }
      : {
          level: 'warning',
          message: `${title} has the settings of the file again.`,
          remedy: `The weights of step ${count(step)} are no longer stored; it uses the newest.`,
        };
  }

  dismiss(): void {
    this.wanted = undefined;
    this.journal = undefined;
    this.said = undefined;
  }
}
