import { join } from 'node:path';
import { AppError } from '@shared/errors';
import type { NdArray } from '@shared/maths/ndarray';
import type { Checkpoint, JournalEntry, RunEvent } from '@shared/protocol/contract';
import { sweepTemporaries } from './atomic';
import { dropOldest, saveCheckpoint } from './checkpoints';
import { diskError, guarded } from './disk-error';
import { entries, isAbsence } from './fs-port';
import type { FsPort } from './fs-port';
import { releaseLock, takeLock } from './lock';
import { MetricsWriter } from './metrics-writer';
import { readOrigin } from './origin';
import type { EndState, MetricRow, RunWriter, Samples } from './port';
import { thisProcess } from './process-identity';
import {
  insertEvent,
  insertJournal,
  readCheckpoints,
  readFacts,
  readSamples,
  writeEnding,
  writeHeartbeat,
} from './records';
import type { Ending } from './records';
import { STORE_FILE } from './run-folder';
import type { RunFolder } from './run-folder';
import { readKnown, withDatabase } from './run-reader';
import { saveSamples } from './samples';
import { makeDurable, migrate } from './schema';
import { leaveSummary } from './summary-cache';
import { openDatabase } from './sqlite';
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

  appendMetrics(rows: MetricRow[]): void {
    const last = rows.at(-1);
    if (last === undefined) return;
    this.#do('The metrics could not be saved', () => this.#metrics.append(rows));
    this.#step = last.step;
  }

  appendJournal(entry: Omit<JournalEntry, 'seq'>): JournalEntry {
    return this.#do('The change could not be saved', () => insertJournal(this.db, entry));
  }

  appendEvent(event: RunEvent): void {
    this.#do('The event could not be saved', () => insertEvent(this.db, event));
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
      this.#remove(dropOldest(this.db, keep));
      return checkpoint;
    });
  }

  writeSamples(samples: Samples): void {
    const { step } = samples.settings;
    this.#do(`The samples at step ${step} could not be saved`, () =>
      saveSamples(this.fs, this.folder, this.db, samples, this.clock()),
    );
  }

  /**
   * A checkpoint at `step` holds the state after `step` steps (0 to step - 1). What describes
   * those steps stays: metric rows and samples whose `step` (steps completed) is at most `step`,
   * and knob changes with applied_at_step <= step, of which one at `step` itself acts on the step
   * to be done next. What describes later steps goes, for they will be done again. Events stay:
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
          this.db.prepare('DELETE FROM checkpoints WHERE step > ?').run(step);
          this.db.prepare('DELETE FROM samples WHERE step > ?').run(step);
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
        // Moves the log into the database, so that the folder is whole without it.
        this.db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
        leaveSummary(this.fs, this.folder, () => readKnown(this.fs, this.folder, '', this.db));
      } finally {
        // Without the row the run reads `lost`, and can be continued all the same.
        this.#open = false;
        this.closed();
        closeAll(this.db, () => releaseLock(this.fs, this.folder.lock));
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

/**
 * Opens an existing run for writing.
 * @throws AppError busy while another process (or this one) writes it, disk when it is damaged
 */
export function openForWriting(
  fs: FsPort,
  folder: RunFolder,
  clock: () => number,
  closed: () => void,
): OpenRun {
  return guarded(`The run ${folder.run} could not be opened`, () => {
    // Looked at before anything is written: a damaged or later run stays as it is.
    readOrigin(fs, folder);
    withDatabase(fs, folder, readFacts);
    const db = openDatabase(folder.database, false);
    let locked = false;
    try {
      makeDurable(db);
      db.transaction(() => {
        takeLock(fs, folder.lock, folder.run);
        locked = true;
      });
      migrate(db);
      return new OpenRun(fs, folder, db, clock, closed);
    } catch (error) {
      abandon(db, () => locked && releaseLock(fs, folder.lock), error);
      throw error;
    }
  });
}

/** Undoes a half-done opening, and keeps the failure that mattered: the first. */
function abandon(db: Database, unlock: () => unknown, failure: unknown): void {
  try {
    db.close();
    unlock();
  } catch (error) {
    if (failure instanceof Error) failure.cause ??= error;
  }
}

function closeAll(db: Database, unlock: () => void): void {
  try {
    db.close();
  } finally {
    unlock();
  }
}
