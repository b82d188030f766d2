import { join } from 'node:path';
import { AppError } from '@shared/errors';
import type { NdArray } from '@shared/maths/ndarray';
import type { ActEntry, Checkpoint, JournalEntry, RunEvent } from '@shared/protocol/contract';
import type { Swap } from '@shared/protocol/contract-prototypes';
import { insertAct, readSaved } from './acts';
import { sweepTemporaries } from './atomic';
import { dropSuperseded, saveCheckpoint } from './checkpoints';
import { diskError, guarded } from './disk-error';
import { entries, isAbsence } from './fs-port';
import type { FsPort } from './fs-port';
import { readRunLabels } from './labels';
import { MetricsWriter } from './metrics-writer';
import type {
  EndState,
  Halving,
  MetricRow,
  ProbeSet,
  PrototypeSnapshot,
  Resume,
  RunWriter,
  Samples,
} from './port';
import { thisProcess } from './process-identity';
import { insertProbe, insertPrototypes, updateSwaps } from './prototypes';
import {
  insertEvent,
  insertHalving,
  insertJournal,
  insertResume,
  readCheckpoints,
  readFacts,
  readSamples,
  writeEnding,
  writeHeartbeat,
} from './records';
import type { Ending } from './records';
import { closeLocked, settle } from './run-lock';
import { STORE_FILE } from './run-folder';
import type { RunFolder } from './run-folder';
import { saveSamples } from './samples';
import type { Database } from './sqlite';

/** The one writer of a run: holds its lock and the only connection that writes. */
export class OpenRun implements RunWriter {
  readonly run: string;
  readonly #identity = thisProcess();
  readonly #metrics: MetricsWriter;
  #step: number;
  #paused = false;
  #open = true;

  /**
   * @param db  open, locked, migrated
   * @param closed  called once when the lock has been given up
   */
  constructor(
    private readonly fs: FsPort,
    private readonly folder: RunFolder,
    readonly db: Database,
    private readonly clock: () => number,
    private readonly closed: () => void,
  ) {
    this.run = folder.run;
    this.#metrics = new MetricsWriter(db);
    this.#step = readFacts(db).step;
    this.#sweep();
    db.transaction(() => {
      db.exec('DELETE FROM ending');
      this.#beat();
    });
  }

  appendMetrics(rows: MetricRow[]): number | null {
    const last = rows.at(-1);
    if (last === undefined) return null;
    return this.#do('The metrics could not be saved', () => {
      const again = this.#metrics.repeated(rows);
      const differs = rows[again]?.step ?? Infinity;
      const late = differs <= this.#metrics.ahead;
      if (late) this.rewindTo(differs - 1);
      this.#metrics.append(rows.slice(again));
      this.#metrics.passed(last.step);
      this.#step = last.step;
      return late ? differs : null;
    });
  }

  get ahead(): number {
    return this.#metrics.ahead;
  }

  redoFrom(step: number): void {
    this.#do(`The run could not be taken up at step ${step}`, () => {
      const unusable = readCheckpoints(this.db).filter((row) => row.step > step);
      this.db.transaction(() => {
        this.db.prepare('DELETE FROM checkpoints WHERE step > ?').run(step);
        this.#step = step;
        this.#beat();
      });
      this.#metrics.redoFrom(step);
      this.#remove(unusable.map(({ file }) => file));
    });
  }

  appendJournal(entry: Omit<JournalEntry, 'seq'>): JournalEntry {
    return this.#do('The change could not be saved', () => insertJournal(this.db, entry));
  }

  appendAct(entry: Omit<ActEntry, 'seq'>, saved: Float32Array): ActEntry {
    return this.#do('The act could not be saved', () => insertAct(this.db, entry, saved));
  }

  savedRows(seq: number): Float32Array {
    return this.#do('What the act changed could not be read', () => readSaved(this.db, seq));
  }

  appendEvent(event: RunEvent): void {
    this.#do('The event could not be saved', () => insertEvent(this.db, event));
  }

  appendResume(resume: Resume): void {
    this.#do('The resume could not be recorded', () => insertResume(this.db, resume));
  }

  appendHalving(halving: Halving): void {
    this.#do('The halving could not be recorded', () => insertHalving(this.db, halving));
  }

  heartbeat({ step, paused }: { step: number; paused: boolean }): void {
    this.#do('The heartbeat could not be saved', () => {
      this.#step = step;
      this.#paused = paused;
      this.#beat();
    });
  }

  writeCheckpoint(
    step: number,
    tensors: Record<string, NdArray>,
    metadata: Record<string, string>,
    keep: number,
  ): Checkpoint {
    return this.#do(`The checkpoint at step ${step} could not be saved`, () => {
      const content = { tensors, metadata };
      const pinned = readRunLabels(this.fs, this.folder).labels.kept;
      const { checkpoint, replaced } = saveCheckpoint(
        this.fs,
        this.folder,
        this.db,
        step,
        content,
        this.clock(),
      );
      // The checkpoint stands. That a file could not be removed is told in an event, not thrown.
      if (replaced !== null) this.#remove([replaced]);
      this.#remove(dropSuperseded(this.db, keep, pinned));
      return checkpoint;
    });
  }

  writeSamples(samples: Samples): void {
    const { step } = samples.settings;
    this.#do(`The samples at step ${step} could not be saved`, () =>
      saveSamples(this.fs, this.folder, this.db, samples, this.clock()),
    );
  }

  writeProbe(probe: ProbeSet): void {
    this.#do('The probe images could not be saved', () => insertProbe(this.db, probe));
  }

  writePrototypes(snapshot: PrototypeSnapshot, every: number): void {
    this.#do(`The prototypes at step ${snapshot.step} could not be saved`, () =>
      this.db.transaction(() => insertPrototypes(this.db, snapshot, every)),
    );
  }

  writeSwaps(step: number, swaps: readonly Swap[]): void {
    this.#do(`The swaps at step ${step} could not be saved`, () =>
      updateSwaps(this.db, step, swaps),
    );
  }

  /**
   * A checkpoint at `step` holds the state after `step` steps (0 to step - 1). What describes
   * those steps stays: metric rows, samples and snapshots whose `step` (steps completed) is at most `step`,
   * and knob changes and acts with applied_at_step <= step, of which one at `step` itself acts on the
   * step to be done next. What describes later steps goes, for they will be done again. Events stay:
   * they tell what happened, lost steps included.
   */
  rewindTo(step: number): void {
    this.#do(`The run could not be taken back to step ${step}`, () => {
      const late = [...readCheckpoints(this.db), ...readSamples(this.db)]
        .filter((row) => row.step > step)
        .map(({ file }) => file);
      const before = this.#step;
      try {
        this.db.transaction(() => {
          this.#metrics.dropAfter(step);
          this.db.prepare('DELETE FROM journal WHERE applied_at_step > ?').run(step);
          this.db.prepare('DELETE FROM acts WHERE applied_at_step > ?').run(step);
          this.db.prepare('DELETE FROM halvings WHERE step > ?').run(step);
          this.db.prepare('DELETE FROM checkpoints WHERE step > ?').run(step);
          this.db.prepare('DELETE FROM samples WHERE step > ?').run(step);
          this.db.prepare('DELETE FROM prototypes WHERE step > ?').run(step);
          this.#step = Math.min(this.#step, step);
          this.#beat();
        });
      } catch (error) {
        this.#step = before;
        throw error;
      }
      this.#metrics.reload();
      this.#remove(late);
    });
  }

  end(state: EndState, problem?: string): void {
    this.#finish({ state, problem: problem ?? null, step: this.#step });
  }

  release(): void {
    this.#finish({ state: 'released', problem: null, step: this.#step });
  }

  #finish(ending: Ending): void {
    this.#do('The end of the run could not be saved', () => {
      try {
        writeEnding(this.db, ending, this.clock());
        settle(this.fs, this.folder, this.db);
      } finally {
        // Without the row the run reads `lost`, and can be continued all the same.
        this.#open = false;
        this.closed();
        closeLocked(this.fs, this.folder, this.db);
      }
    });
  }

  #beat(): void {
    const { pid, token } = this.#identity;
    writeHeartbeat(this.db, {
      pid,
      token,
      step: this.#step,
      paused: this.#paused,
      wall: this.clock(),
    });
  }

  #do<T>(what: string, act: () => T): T {
    if (!this.#open) {
      throw new AppError('wrong_state', `${what}: the run ${this.run} is closed.`, {
        remedy: 'Open it again to continue it.',
      });
    }
    return guarded(what, act);
  }

  /** Removes files that no row names any more; one that stays is tried again at the next opening. */
  #remove(files: string[]): void {
    for (const file of files) {
      try {
        this.fs.unlink(join(this.folder.path, file));
      } catch (error) {
        if (isAbsence(error)) continue;
        const { message } = diskError(`${file} could not be removed`, error);
        insertEvent(this.db, { wall: this.clock(), step: this.#step, kind: 'note', message });
      }
    }
  }

  /** What a crash left: temporary files, and files whose row was never written or is gone. */
  #sweep(): void {
    sweepTemporaries(this.fs, this.folder.path);
    const named = new Set(
      [...readCheckpoints(this.db), ...readSamples(this.db)].map((r) => r.file),
    );
    for (const [name, path] of [
      ['checkpoints', this.folder.checkpoints],
      ['samples', this.folder.samples],
    ] as const) {
      sweepTemporaries(this.fs, path);
      const files = entries(this.fs, path).map((entry) => entry.name);
      const orphans = files.filter(
        (file) => STORE_FILE.test(file) && !named.has(`${name}/${file}`),
      );
      this.#remove(orphans.map((file) => `${name}/${file}`));
    }
  }
}
