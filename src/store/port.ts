import type { JournalPlan } from '@shared/config/journal';
import type { RunConfig } from '@shared/config/run-config';
import type { Bank } from '@shared/config/surgery';
import type { Knobs } from '@shared/config/knobs';
import type { NdArray } from '@shared/maths/ndarray';
import type {
  ActEntry,
  Checkpoint,
  JournalEntry,
  RunEvent,
  RunSummary,
  SampleSettings,
  SubscriptionEvent,
} from '@shared/protocol/contract';
import type { PrototypeLabel, Swap } from '@shared/protocol/contract-prototypes';
import type { Parent } from '@shared/protocol/contract-runs';
import type { QueueStore } from './queue';
import type { Shelf } from './shelf';

/** The run store as the engine sees it. All calls are synchronous and durable when they return. */
export interface RunStore {
  /** Absolute path of the workspace. */
  readonly root: string;
  freeBytes(): number;
  /**
   * `first`: the checkpoint that a branched run starts from, `labels`: the prototypes' names that it
   * has from its parent. The folder appears with them in place.
   */
  create(
    origin: RunOrigin,
    first?: LoadedCheckpoint,
    labels?: readonly PrototypeLabel[],
  ): RunWriter;
  /** Takes the writing lock of an existing run; throws `busy` while another process holds it. */
  open(run: string): RunWriter;
  list(): RunSummary[];
  /**
   * The newest runs and all that were read before, within about so many milliseconds; the `unread`
   * others come with the next calls.
   */
  listWithin(ms: number): { runs: RunSummary[]; unread: number };
  read(run: string): RunRecord;
  /** Rows with row number >= from, oldest first, at most `limit`. */
  metrics(run: string, from: number, limit: number): MetricRows;
  /** The checkpoint at `step` (default: the newest whole one); throws `bad_checkpoint`, `not_found`. */
  loadCheckpoint(run: string, step?: number): LoadedCheckpoint;
  sampleSteps(run: string): number[];
  loadSamples(run: string, step: number): Samples;
  /** Kept snapshots of the prototypes, oldest first; `measured`: its swaps are there; `wall`: when. */
  prototypeSteps(run: string): { step: number; measured: boolean; wall: number }[];
  /** @throws AppError not_found */
  loadPrototypes(run: string, step: number): PrototypeSnapshot;
  /** Null where the run has no snapshots. */
  probe(run: string): ProbeSet | null;
  prototypeLabels(run: string): PrototypeLabel[];
  /** Also for a run that has ended, which stays as it ended. Throws `busy` as `open` does. */
  labelPrototype(run: string, label: PrototypeLabel): void;
  /** Runs whose heartbeat was written by this process id and which had not ended. */
  lostBy(pid: number): string[];
  notebooks: NotebookStore;
  keys: KeysStore;
  shelf: Shelf;
  queue: QueueStore;
  close(): void;
}

export interface RunOrigin {
  config: RunConfig;
  /** Knob changes that the run makes by itself; none where it is left out. */
  plan?: JournalPlan | undefined;
  /** Which prototypes the run begins with, where they are not 0 … K - 1: a branch has its parent's. */
  bank?: Bank | undefined;
  /** Set where the run is a branch. */
  parent?: Parent | undefined;
  /** The job of the queue that it was made for. */
  job?: number | undefined;
  data: { name: string; fingerprint: string; images: number };
  versions: Record<string, string>;
}

/** What a run began from when it was taken up, beside what its checkpoint had: SHA-256 each. */
export interface Resume {
  wall: number;
  /** Steps completed. */
  step: number;
  file: string;
  /** Of the checkpoint's file, when it was written. */
  saved: string;
  /** Of the file that the state makes that the device was given, as read back from it. */
  began: string;
  /** Of the next batch: images, noise, timesteps, labels; null in checkpoints without it. */
  saved_next: string | null;
  began_next: string;
}

/** From `step` on each batch is computed in `parts` even pieces: memory had run out. */
export interface Halving {
  wall: number;
  step: number;
  parts: number;
}

/** State and next batch are bit for bit those of the checkpoint. */
export function isExact({ saved, began, saved_next, began_next }: Resume): boolean {
  return began === saved && (saved_next === null || saved_next === began_next);
}

export interface RunRecord {
  summary: RunSummary;
  origin: RunOrigin;
  /** Start values with the journal applied. */
  knobs: Knobs;
  journal: JournalEntry[];
  acts: ActEntry[];
  checkpoints: Checkpoint[];
  events: RunEvent[];
  resumes: Resume[];
  halvings: Halving[];
}

/** Columns of n rows; `values` is [n, keys.length] row-major, NaN where a row lacks the key. */
export interface MetricRows {
  keys: string[];
  step: Float64Array;
  wall: Float64Array;
  active: Float64Array;
  values: Float64Array;
  /** Row number after the last one returned: the next `from`. */
  next: number;
  /** Rows that there are. */
  total: number;
}

export interface MetricRow {
  step: number;
  /** Unix ms. */
  wall: number;
  /** Seconds of training since the run began, pauses left out. */
  active: number;
  values: Record<string, number>;
}

export interface LoadedCheckpoint {
  step: number;
  tensors: Record<string, NdArray>;
  metadata: Record<string, string>;
}

export interface Samples {
  settings: SampleSettings;
  /** [N, H, W, C] u8 */
  images: NdArray<Uint8Array>;
}

/** The prototypes at a step, features rounded to half precision when stored. */
export type PrototypeSnapshot = Omit<SubscriptionEvent<'prototypes'>, 'run' | 'restart'>;

/** The images whose features a run's snapshots follow. */
export interface ProbeSet {
  /** [N] positions in the data set */
  index: Int32Array;
  /** [N] */
  labels: Int32Array | null;
  classes: string[];
}

export type EndState = 'finished' | 'stopped' | 'failed';

/** The one writer of a run. */
export interface RunWriter {
  readonly run: string;
  /**
   * One transaction. Rows of steps that `redoFrom` expects are compared, not written twice.
   * @returns the first step whose losses differ from those recorded: what was recorded from there on
   *   has been dropped, and the rows are written in its place; null where none does
   */
  appendMetrics(rows: MetricRow[]): number | null;
  /** The last recorded step that is being done again; 0 where none is. */
  readonly ahead: number;
  appendJournal(entry: Omit<JournalEntry, 'seq'>): JournalEntry;
  /** @param saved  rows as they were before, for the act's undoing: see packRows */
  appendAct(entry: Omit<ActEntry, 'seq'>, saved: Float32Array): ActEntry;
  /** What `appendAct` was given. */
  savedRows(seq: number): Float32Array;
  appendEvent(event: RunEvent): void;
  appendResume(resume: Resume): void;
  appendHalving(halving: Halving): void;
  heartbeat(beat: { step: number; paused: boolean }): void;
  /**
   * Temporary name, fsync, rename, folder fsync, then the row with the file's sha256. Afterwards older
   * ones go, all but the newest `keep` and those that retention.ts keeps.
   */
  writeCheckpoint(
    step: number,
    tensors: Record<string, NdArray>,
    metadata: Record<string, string>,
    keep: number,
  ): Checkpoint;
  writeSamples(samples: Samples): void;
  writeProbe(probe: ProbeSet): void;
  /**
   * `every`: steps between snapshots. Thins what there is, so that the history stays evenly spread
   * and below a bound (see prototypes.ts).
   */
  writePrototypes(snapshot: PrototypeSnapshot, every: number): void;
  /** Adds what was measured later; nothing where the snapshot is gone. */
  writeSwaps(step: number, swaps: readonly Swap[]): void;
  /**
   * The run goes on from its checkpoint at `step`: what was recorded after it stays, and is expected
   * again. Later checkpoints, which could not be used, go.
   */
  redoFrom(step: number): void;
  /**
   * Metrics, journal entries, samples and snapshots after `step` are dropped, in one transaction,
   * so that the series has neither gaps nor doubles.
   */
  rewindTo(step: number): void;
  /** Records how the run ended and gives up the lock. */
  end(state: EndState, problem?: string): void;
  /** Gives up the lock without an end: the run can be continued (the window was closed). */
  release(): void;
}

export interface NotebookStore {
  list(): { name: string; modified: number }[];
  read(name: string): { json: string; modified: number };
  /**
   * @param known  when the file was last seen changed, null for a new one: throws AppError conflict
   *   where that is no longer so; undefined replaces what is there
   */
  write(name: string, json: string, known?: number | null): number;
  rename(name: string, to: string): number;
  /** Moves a notebook into the trash; returns its name there. */
  remove(name: string): string;
  restore(trashed: string, name: string): number;
  trash(): { name: string; modified: number }[];
}

/** The workspace's `keys.json`: a person's own keys. */
export interface KeysStore {
  read(): string | null;
  write(json: string): number;
}
