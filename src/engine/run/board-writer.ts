import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '@shared/errors';
import type { MetricRow, RunOrigin, RunStore, RunWriter } from '../../store/port';
import { stepName } from '../../store/run-folder';
import { Board } from '../../store/tensorboard/board';

/** Rows that are written again at once. */
const ROWS_AT_ONCE = 20_000;

/**
 * A run's writer that keeps TensorBoard's files beside the record. They are only a repetition:
 * where they cannot be written the run goes on, and its history says so once.
 */
export function withBoard(
  writer: RunWriter,
  store: RunStore,
  { config }: Pick<RunOrigin, 'config'>,
  clock: () => number = Date.now,
): RunWriter {
  const { run } = writer;
  const folder = join(store.root, 'runs', run);
  const { created } = store.read(run).summary;
  let board: Board | null = new Board({ folder, created, config, clock });
  const beside = (step: number, act: (board: Board) => void): void => {
    try {
      if (board !== null) act(board);
    } catch (thrown) {
      board = null;
      const message = `TensorBoard's files are not written any more: ${AppError.from(thrown).message}. They are complete again when the run is next continued.`;
      writer.appendEvent({ wall: clock(), step, kind: 'note', message });
    }
  };
  let last = 0;
  /** Back to `step`, or to all that stands; what the record has beyond that is written again. */
  const again = (open: Board, step: number | null): void => {
    const from = open.rewind(step);
    for (const rows of rowsAfter(store, run, from)) open.rows(rows);
  };
  const done = (): void => beside(last, (open) => (open.settle(), open.close()));
  return {
    run,
    appendMetrics(rows) {
      const { ahead } = writer;
      const differs = writer.appendMetrics(rows);
      last = rows.at(-1)?.step ?? last;
      beside(last, (open) => {
        if (differs === null) open.rows(rows.filter(({ step }) => step > ahead));
        else again(open, differs - 1);
      });
      return differs;
    },
    get ahead() {
      return writer.ahead;
    },
    redoFrom(step) {
      writer.redoFrom(step);
      last = step;
      beside(step, (open) => again(open, null));
    },
    writeSamples(samples) {
      writer.writeSamples(samples);
      const { step } = samples.settings;
      const path = join(folder, 'samples', `${stepName(step)}.png`);
      beside(step, (open) => open.image(step, readFileSync(path)));
    },
    writePrototypes(snapshot, every) {
      writer.writePrototypes(snapshot, every);
      beside(snapshot.step, (open) => open.prototypes(snapshot));
    },
    writeCheckpoint(step, tensors, metadata, keep) {
      const checkpoint = writer.writeCheckpoint(step, tensors, metadata, keep);
      beside(step, (open) => open.settle());
      return checkpoint;
    },
    rewindTo(step) {
      writer.rewindTo(step);
      last = step;
      beside(step, (open) => again(open, step));
    },
    end(state, problem) {
      done();
      writer.end(state, problem);
    },
    release() {
      done();
      writer.release();
    },
    appendJournal: (entry) => writer.appendJournal(entry),
    appendAct: (entry, saved) => writer.appendAct(entry, saved),
    savedRows: (seq) => writer.savedRows(seq),
    appendEvent: (event) => writer.appendEvent(event),
    appendResume: (resume) => writer.appendResume(resume),
    appendHalving: (halving) => writer.appendHalving(halving),
    heartbeat: (beat) => writer.heartbeat(beat),
    writeProbe: (probe) => writer.writeProbe(probe),
    writeSwaps: (step, swaps) => writer.writeSwaps(step, swaps),
  };
}

/** The recorded rows of later steps, in pieces. */
function* rowsAfter(store: RunStore, run: string, step: number): Generator<MetricRow[]> {
  for (let from = 0; ;) {
    const part = store.metrics(run, from, ROWS_AT_ONCE);
    if (part.next === from) return;
    from = part.next;
    const width = part.keys.length;
    const rows: MetricRow[] = [];
    part.step.forEach((at, row) => {
      if (at <= step) return;
      const values = Object.fromEntries(
        part.keys.map((key, k) => [key, part.values[row * width + k] ?? NaN]),
      );
      rows.push({ step: at, wall: part.wall[row] ?? 0, active: part.active[row] ?? 0, values });
    });
    yield rows;
  }
}
