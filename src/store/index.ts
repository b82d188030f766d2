import { join, resolve } from 'node:path';
import { AppError } from '@shared/errors';
import type { RunSummary } from '@shared/protocol/contract';
import type { PrototypeLabel } from '@shared/protocol/contract-prototypes';
import type { Parent } from '@shared/protocol/contract-runs';
import { loadCheckpoint, SKIPPED } from './checkpoints';
import { guarded } from './disk-error';
import { entries, exists, nearestExisting, nodeFs } from './fs-port';
import type { FsPort } from './fs-port';
import { readMetrics } from './metrics';
import { releaseLock } from './lock';
import { keysStore } from './keys';
import { readRunLabels } from './labels';
import { notebookStore } from './notebooks';
import { readOrigin } from './origin';
import type {
  LoadedCheckpoint,
  ProbeSet,
  PrototypeSnapshot,
  RunOrigin,
  RunRecord,
  RunStore,
  RunWriter,
} from './port';
import { quarantined } from './quarantine';
import { prototypeSteps, readLabels, readProbe, readPrototypes, writeLabel } from './prototypes';
import {
  knobsAfter,
  readCheckpoints,
  readEvents,
  readJournal,
  readHalvings,
  readResumes,
  readSamples,
} from './records';
import { queueStore } from './queue';
import { createFolder, removeFolder, sweepWorkspace } from './run-create';
import { findRun, layout, runsPath } from './run-folder';
import type { RunFolder } from './run-folder';
import { readActs } from './acts';
import { parseRunId, RUN_ID } from './run-name';
import { looksLikeRun, Summaries, withDatabase } from './run-reader';
import { abandon, amend, openLocked } from './run-lock';
import { OpenRun } from './run-writer';
import { shelfOf } from './shelf';
import { loadSamples } from './samples';
import type { Database } from './sqlite';

/** So many runs at least come with each part of a list, however slow the disk. */
const SCREENFUL = 40;

export interface StoreOptions {
  /** Unix ms. */
  clock?: () => number;
  fs?: FsPort;
  /** Creates, changes and sweeps nothing. */
  readonly?: boolean;
}

/**
 * The run store of a workspace. The folder need not exist: the first run or notebook creates it.
 * @throws AppError disk when the workspace cannot be read
 */
export function openStore(root: string, options: StoreOptions = {}): RunStore {
  const { clock = Date.now, fs = nodeFs, readonly = false } = options;
  return new FileStore(resolve(root), clock, fs, readonly);
}

class FileStore implements RunStore {
  readonly notebooks;
  readonly keys;
  readonly shelf;
  readonly queue;
  readonly #writers = new Map<string, OpenRun>();
  readonly #summaries: Summaries;

  constructor(
    readonly root: string,
    private readonly clock: () => number,
    private readonly fs: FsPort,
    private readonly readonly: boolean,
  ) {
    const notebooks = join(root, 'notebooks');
    this.#summaries = new Summaries(fs, clock, join(root, 'cache', 'runs.json'), !readonly);
    const writable = (): void => this.#needWritable();
    this.notebooks = notebookStore(fs, root, writable);
    this.keys = keysStore(fs, root, writable);
    this.shelf = shelfOf(fs, root, clock, writable);
    this.queue = queueStore(fs, root, clock, writable, (job, since) => this.#runOf(job, since));
    if (!readonly) sweepWorkspace(fs, root, notebooks);
  }

  freeBytes(): number {
    return guarded('The free space could not be read', () =>
      this.fs.free(nearestExisting(this.fs, this.root)),
    );
  }

  create(
    origin: RunOrigin,
    first?: LoadedCheckpoint,
    labels: readonly PrototypeLabel[] = [],
  ): RunWriter {
    this.#needWritable();
    if (origin.parent !== undefined) this.#pin(origin.parent);
    const folder = createFolder(this.fs, this.root, origin, this.clock(), first, labels);
    try {
      return this.#write(folder);
    } catch (error) {
      removeFolder(this.fs, folder.path, error);
      throw error;
    }
  }

  open(run: string): RunWriter {
    this.#needWritable();
    return this.#write(this.#find(run));
  }

  list(): RunSummary[] {
    return this.listWithin(Infinity).runs;
  }

  listWithin(ms: number): { runs: RunSummary[]; unread: number } {
    // Ids sort as the runs began: the newest are read first.
    const folders = this.#folders().sort((a, b) => (a.run < b.run ? 1 : -1));
    const summaries: RunSummary[] = [];
    const began = performance.now();
    let fresh = 0;
    for (const folder of folders) {
      if (!this.#writers.has(folder.run) && !this.#summaries.has(folder)) {
        if (fresh >= SCREENFUL && performance.now() - began > ms) continue;
        fresh += 1;
      }
      summaries.push(this.#summaryOrQuarantine(folder));
    }
    const unread = folders.length - summaries.length;
    if (unread === 0) this.#summaries.settle(folders.map(({ run }) => run));
    const runs = summaries.sort((a, b) => b.created - a.created || (a.run < b.run ? 1 : -1));
    return { runs, unread };
  }

  read(run: string): RunRecord {
    const folder = this.#find(run);
    const origin = readOrigin(this.fs, folder);
    const summary = this.#summaries.summary(folder, this.#writers.get(run)?.db);
    const { config, plan, bank, parent, job, data, versions } = origin;
    return this.#with(folder, (db) => {
      const journal = readJournal(db);
      return {
        summary,
        origin: { config, plan, bank, parent, job, data, versions },
        knobs: knobsAfter(config.knobs, journal),
        journal,
        acts: readActs(db),
        checkpoints: readCheckpoints(db),
        events: readEvents(db),
        resumes: readResumes(db),
        halvings: readHalvings(db),
      };
    });
  }

  metrics(run: string, from: number, limit: number): ReturnType<RunStore['metrics']> {
    return this.#with(this.#find(run), (db) => readMetrics(db, from, limit));
  }

  loadCheckpoint(run: string, step?: number): LoadedCheckpoint {
    const folder = this.#find(run);
    const rows = this.#with(folder, readCheckpoints);
    const loaded = loadCheckpoint(this.fs, folder, rows, step);
    const skipped = loaded.metadata[SKIPPED];
    if (skipped !== undefined) {
      // The writer's history tells it too, since the next rewind forgets those checkpoints.
      const event = {
        wall: this.clock(),
        step: loaded.step,
        kind: 'note',
        message: skipped,
      } as const;
      this.#writers.get(run)?.appendEvent(event);
    }
    return loaded;
  }

  sampleSteps(run: string): number[] {
    return this.#with(this.#find(run), (db) => readSamples(db).map(({ step }) => step));
  }

  loadSamples(run: string, step: number): ReturnType<RunStore['loadSamples']> {
    const folder = this.#find(run);
    return this.#with(folder, (db) => loadSamples(this.fs, folder, db, step));
  }

  prototypeSteps(run: string): ReturnType<RunStore['prototypeSteps']> {
    return this.#with(this.#find(run), prototypeSteps);
  }

  loadPrototypes(run: string, step: number): PrototypeSnapshot {
    return this.#with(this.#find(run), (db) => readPrototypes(db, step));
  }

  probe(run: string): ProbeSet | null {
    return this.#with(this.#find(run), readProbe);
  }

  prototypeLabels(run: string): PrototypeLabel[] {
    return this.#with(this.#find(run), readLabels);
  }

  labelPrototype(run: string, label: PrototypeLabel): void {
    this.#needWritable();
    const writer = this.#writers.get(run);
    if (writer === undefined) amend(this.fs, this.#find(run), (db) => writeLabel(db, label));
    else guarded('The label could not be saved', () => writeLabel(writer.db, label));
  }

  lostBy(pid: number): string[] {
    return this.#folders()
      .filter((folder) => this.#writtenBy(folder, pid))
      .map(({ run }) => run);
  }

  /** Runs that are still being written are released, and so can be continued. */
  close(): void {
    const failures: unknown[] = [];
    for (const writer of [...this.#writers.values()]) {
      try {
        writer.release();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }

  #write(folder: RunFolder): OpenRun {
    const closed = (): void => void this.#writers.delete(folder.run);
    const db = openLocked(this.fs, folder);
    try {
      const writer = guarded(`The run ${folder.run} could not be opened`, () => {
        return new OpenRun(this.fs, folder, db, this.clock, closed);
      });
      this.#writers.set(folder.run, writer);
      return writer;
    } catch (error) {
      abandon(db, () => releaseLock(this.fs, folder.lock), error);
      throw error;
    }
  }

  #find(run: string): RunFolder {
    return guarded(`The run ${run} could not be read`, () => findRun(this.fs, this.root, run));
  }

  #with<T>(folder: RunFolder, act: (db: Database) => T): T {
    const db = this.#writers.get(folder.run)?.db;
    if (db === undefined) return withDatabase(this.fs, folder, act);
    return guarded(`The run ${folder.run} could not be read`, () => act(db));
  }

  #folders(): RunFolder[] {
    return guarded('The runs could not be listed', () =>
      entries(this.fs, runsPath(this.root))
        .filter((entry) => entry.isDirectory() && RUN_ID.test(entry.name))
        .map((entry) => layout(entry.name, join(runsPath(this.root), entry.name)))
        .filter((folder) => parseRunId(folder.run) !== null || looksLikeRun(this.fs, folder)),
    );
  }

  /** The checkpoint that a branch begins from stays in its parent, if that is still there. */
  #pin({ run, step }: Parent): void {
    const folder = layout(run, join(runsPath(this.root), run));
    if (!exists(this.fs, folder.origin)) return;
    const { kept } = readRunLabels(this.fs, folder).labels;
    if (!kept.includes(step)) this.shelf.label(run, { kept: [...kept, step] });
  }

  /** A damaged run is listed as failed, with the reason; the others are not affected. */
  #summaryOrQuarantine(folder: RunFolder): RunSummary {
    try {
      return this.#summaries.summary(folder, this.#writers.get(folder.run)?.db);
    } catch (error) {
      return quarantined(this.fs, folder, error);
    }
  }

  /** The run that was made for a job of the queue since that time, Unix ms. */
  #runOf(job: number, since: number): string | null {
    // Ids have whole seconds.
    const young = this.#folders().filter(
      ({ run }) => (parseRunId(run)?.created ?? 0) >= since - 1000,
    );
    const found = young.find((folder) => {
      try {
        return readOrigin(this.fs, folder).job === job;
      } catch (error) {
        if (error instanceof AppError) return false;
        throw error;
      }
    });
    return found?.run ?? null;
  }

  /** A damaged run was lost by no one in particular: `list` tells what is wrong with it. */
  #writtenBy(folder: RunFolder, pid: number): boolean {
    try {
      const facts = this.#summaries.facts(folder, this.#writers.get(folder.run)?.db);
      // An engine that was asked to end, to be restarted, has released its run.
      const open = facts.ending === null || facts.ending.state === 'released';
      return open && facts.heartbeat?.pid === pid;
    } catch (error) {
      if (error instanceof AppError) return false;
      throw error;
    }
  }

  #needWritable(): void {
    if (!this.readonly) return;
    throw new AppError('wrong_state', `The workspace ${this.root} is open for reading only.`, {
      remedy: 'Open it without the read-only option.',
    });
  }
}
