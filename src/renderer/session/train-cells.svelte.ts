import { configAround, dependantsOf, trainOf } from '@shared/config/document-links';
import { findCell } from '@shared/config/notebook';
import type { CellOf } from '@shared/config/notebook';
import type { RunConfig } from '@shared/config/run-config';
import type { Activity, RunSummary } from '@shared/protocol/contract';
import type { DocumentController, Selection } from './document.svelte';
import type { NotebookController } from './notebook.svelte';
import type { QueueViewer } from './queued-runs';
import type { RunPool } from './run-pool.svelte';
import type { RunSession } from './run-session.svelte';
import { TrainView } from './train-view.svelte';
import type { TrainDesk } from './train-view.svelte';

/** What the train cells ask of the window. */
export interface TrainWindow {
  readonly notebook: NotebookController;
  readonly document: DocumentController;
  readonly pool: RunPool;
  readonly active: Activity | null;
  summaryOf(run: string): RunSummary | undefined;
  /** What is shown is taken up when the window is opened again. */
  remember(): void;
}

/**
 * The train cells of the open notebook, each with the run that is shown at it: its own, another as a
 * guest, or none while its draft is. The other cells are about one of them.
 */
export class TrainCells implements TrainDesk, Selection, QueueViewer {
  /** Id of the selected cell. */
  selected = $state('');
  /** The train cell that was last meant. */
  private last = $state('');
  // Where a train cell shows something else than its own run: a guest, or with null its draft.
  private shown = $state.raw<Readonly<Record<string, string | null>>>({});
  private readonly views = new Map<string, TrainView>();

  constructor(private readonly window: TrainWindow) {}

  get notebook(): NotebookController {
    return this.window.notebook;
  }

  get active(): Activity | null {
    return this.window.active;
  }

  /** Some cell shows something that was chosen for it. */
  get chosen(): boolean {
    return Object.keys(this.shown).length > 0;
  }

  /** The train cell that is meant where none is named: the selected cell's. */
  get focus(): TrainView {
    const trains = this.notebook.document?.cells.filter(({ kind }) => kind === 'train') ?? [];
    const meant = trains.find(({ id }) => id === this.last) ?? trains[0];
    return this.at(meant?.id ?? 'train');
  }

  select(cellId: string): void {
    this.selected = cellId;
    const document = this.notebook.document;
    const about = document && trainOf(document, cellId, this.last);
    if (about !== undefined) this.last = about;
  }

  /** A train cell with the run that is shown at it; also where a run is shown without a notebook. */
  at(trainId: string): TrainView {
    const view = this.views.get(trainId) ?? new TrainView(this, trainId);
    this.views.set(trainId, view);
    return view;
  }

  /** The train cell that a cell is about, if any: that of the selected cell where there are several. */
  about(cellId: string): TrainView | undefined {
    const document = this.notebook.document;
    if (!document) return this.at('train');
    const about = trainOf(document, cellId, this.focus.id);
    return about === undefined ? undefined : this.at(about);
  }

  /** All train cells that a cell is about: itself, those below a data or model cell, one above. */
  allAbout(cellId: string): TrainView[] {
    const document = this.notebook.document;
    if (!document) return [this.at('train')];
    const ids = [cellId, ...dependantsOf(document, cellId)].filter((id) => this.cell(id));
    const above = ids.length > 0 ? undefined : trainOf(document, cellId);
    return [...ids, ...(above === undefined ? [] : [above])].map((id) => this.at(id));
  }

  cell(trainId: string): CellOf<'train'> | undefined {
    const document = this.notebook.document;
    return document && findCell(document, 'train', trainId);
  }

  shownAt(trainId: string): string | null {
    const other = this.shown[trainId];
    return other === undefined ? (this.cell(trainId)?.run ?? null) : other;
  }

  has(run: string): boolean {
    return this.summaryOf(run) !== undefined;
  }

  followed(run: string): RunSession | undefined {
    return this.window.pool.get(run);
  }

  summaryOf(run: string): RunSummary | undefined {
    return this.window.summaryOf(run);
  }

  /** What data and model cells show: the notebook's settings, or those of a guest. */
  settingsAt(cellId: string): RunConfig | undefined {
    const at = this.about(cellId);
    if (at?.guest === true) return at.config;
    const document = this.notebook.document;
    return document && configAround(document, cellId, at?.id);
  }

  draft(trainId: string): RunConfig | undefined {
    return this.cell(trainId) && this.notebook.draft(trainId);
  }

  /** After any change of what train cells show: their runs, and no others, are followed. */
  follow(): void {
    const cells = this.notebook.document?.cells;
    const ids = cells
      ? cells.filter(({ kind }) => kind === 'train').map(({ id }) => id)
      : Object.keys(this.shown);
    const runs = ids.map((id) => this.shownAt(id)).filter((run) => run !== null);
    this.window.pool.want('document', runs);
  }

  /** Another notebook is open: its train cells show their own runs. */
  begin(): void {
    this.shown = {};
    this.select(this.notebook.document?.cells.find(({ kind }) => kind === 'train')?.id ?? '');
  }

  /**
   * Shows a run: at its own train cell where it has one, else as a guest at the train cell in
   * focus. With null that cell's draft is shown.
   */
  view(run: string | null): void {
    const own = this.notebook.document?.cells.find(
      (cell) => cell.kind === 'train' && cell.run === run,
    );
    if (run !== null && own) {
      this.show(own.id, undefined);
      this.select(own.id);
      return;
    }
    // A notebook without a train cell has no place for a run: it is shown by itself.
    if (run !== null && !this.cell(this.focus.id)) {
      this.notebook.leave();
      this.shown = {};
    }
    this.show(this.focus.id, run);
  }

  /** Where a run that is gone was a guest, the cell shows its own again. */
  forget(run: string): void {
    for (const [trainId, guest] of Object.entries(this.shown))
      if (guest === run) this.show(trainId, undefined);
    this.window.remember();
  }

  /** @param run  null for the draft, undefined for the cell's own run */
  private show(trainId: string, run: string | null | undefined): void {
    const { [trainId]: _before, ...others } = this.shown;
    this.shown = run === undefined ? others : { ...others, [trainId]: run };
    this.follow();
  }

  /** A run was started from a train cell: it is the cell's own, and is shown. */
  own(trainId: string, run: string): void {
    this.notebook.amendCell('train', trainId, (cell) => ({ ...cell, run }));
    this.show(trainId, undefined);
  }

  jobBegan(trainId: string, run: string, own: boolean, seen: boolean): void {
    const before = this.shownAt(trainId);
    if (own) this.own(trainId, run);
    const showing = own ? undefined : run;
    this.show(trainId, seen ? showing : before);
    if (!seen) {
      this.window.document.notice = {
        words: 'A job that was queued from this notebook has its run now.',
        act: {
          words: 'Show its run',
          run: () => {
            this.window.document.notice = undefined;
            this.show(trainId, showing);
            this.window.remember();
          },
        },
      };
    }
    this.window.remember();
  }

  /** To the draft of another run; that of a guest takes over the guest's settings. */
  editAgain(trainId: string): void {
    const { guest, config } = this.at(trainId);
    if (guest && config) this.notebook.adopt(trainId, config);
    this.show(trainId, null);
  }

  /** Takes back what was changed since the cell's run began. */
  revert(trainId: string): void {
    const config = this.at(trainId).viewed?.record?.config;
    if (config) this.notebook.adopt(trainId, config);
  }

  /** Back from a guest, or from the draft, to the cell's own run. */
  showOwn(trainId: string): void {
    this.show(trainId, undefined);
    this.window.remember();
  }
}
