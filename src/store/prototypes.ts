import { z } from 'zod';
import { AppError } from '@shared/errors';
import { fromFloat16, toFloat16 } from '@shared/maths/float16';
import { ndarray } from '@shared/maths/ndarray';
import type { PrototypeLabel, Swap } from '@shared/protocol/contract-prototypes';
import type { ProbeSet, PrototypeSnapshot } from './port';
import { numberIn, textIn } from './sqlite';
import type { Database, Row } from './sqlite';

/**
 * What a run keeps of its prototypes' history: 200 snapshots at most, and 64 MiB of them, but 8
 * always. One takes 4 (K·D + N + K) + 2 N·D bytes: 53 KiB for ten prototypes of width 64 with 384
 * probe images, so 200 take 10 MiB.
 */
const MOST = 200;
const MOST_BYTES = 64 * 2 ** 20;
const LEAST = 8;

/** The first version of the schema that has these tables. */
const SINCE = 2;

export function insertPrototypes(db: Database, snapshot: PrototypeSnapshot, every: number): void {
  const { step, wall, bank, features, assignment, usage, assignments } = snapshot;
  const { perplexity, churn, purity, nmi, swaps, ids } = snapshot;
  const [k = 0, dim = 0] = bank.shape;
  const halves = toFloat16(features.data);
  const blobs = [bytes(bank.data), bytes(halves), bytes(assignment.data), bytes(usage.data)];
  db.prepare(
    `INSERT OR REPLACE INTO prototypes (step, wall, k, dim, bank, features, assignment, usage,
      assignments, perplexity, churn, purity, nmi, swaps, ids)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  ).run(
    ...[step, wall, k, dim, ...blobs, assignments, perplexity, churn, purity, nmi],
    swaps.length === 0 ? null : JSON.stringify(swaps),
    ids.data.every((id, row) => id === row) ? null : bytes(ids.data),
  );
  const size = blobs.reduce((sum, blob) => sum + blob.length, 0);
  const most = Math.max(LEAST, Math.min(MOST, Math.floor(MOST_BYTES / size)));
  const steps = prototypeSteps(db).map((row) => row.step);
  const drop = db.prepare('DELETE FROM prototypes WHERE step = ?');
  for (const thinned of surplus(steps, every, most)) drop.run(thinned);
}

/**
 * The snapshots to drop, so that `most` are left at most, evenly spread: all but the newest stand
 * at multiples of `every` · 2^j, with the least j that suffices. It follows from the newest step
 * alone, so a run that was taken back and went on keeps what an uninterrupted one does.
 */
export function surplus(steps: readonly number[], every: number, most: number): number[] {
  const newest = steps.at(-1) ?? 0;
  let stride = Math.max(1, every);
  while (Math.floor(newest / stride) + 2 > most) stride *= 2;
  return steps.filter((step) => step !== newest && step % stride !== 0);
}

/** False where there is no such snapshot: thinned since. */
export function updateSwaps(db: Database, step: number, swaps: readonly Swap[]): boolean {
  const row = db
    .prepare('UPDATE prototypes SET swaps = ? WHERE step = ? RETURNING step')
    .get(JSON.stringify(swaps), step);
  return row !== undefined;
}

/** Oldest first; `measured`: its swaps are there; `wall`: when it was taken, Unix ms. */
export function prototypeSteps(db: Database): { step: number; measured: boolean; wall: number }[] {
  if (db.version() < SINCE) return [];
  return db
    .prepare('SELECT step, wall, swaps IS NOT NULL AS measured FROM prototypes ORDER BY step')
    .all()
    .map((row) => ({
      step: numberIn(row, 'step'),
      measured: row.measured === 1,
      wall: numberIn(row, 'wall'),
    }));
}

const Swaps = z.array(z.object({ t: z.number().int().nonnegative(), change: z.number() }));

/** @throws AppError not_found */
export function readPrototypes(db: Database, step: number): PrototypeSnapshot {
  const row =
    db.version() < SINCE
      ? undefined
      : db.prepare('SELECT * FROM prototypes WHERE step = ?').get(step);
  if (row === undefined) {
    throw new AppError('not_found', `There is no snapshot of the prototypes at step ${step}.`);
  }
  const [k, dim] = [numberIn(row, 'k'), numberIn(row, 'dim')];
  const assignment = new Int32Array(blob(row, 'assignment'));
  const n = assignment.length;
  const features = fromFloat16(new Uint16Array(blob(row, 'features', 2 * n * dim)));
  return {
    step,
    wall: numberIn(row, 'wall'),
    ids: ndarray(idsIn(row, k), [k]),
    bank: ndarray(new Float32Array(blob(row, 'bank', 4 * k * dim)), [k, dim]),
    features: ndarray(features, [n, dim]),
    assignment: ndarray(assignment, [n]),
    usage: ndarray(new Float32Array(blob(row, 'usage', 4 * k)), [k]),
    assignments: numberIn(row, 'assignments'),
    perplexity: nullable(row, 'perplexity'),
    churn: nullable(row, 'churn'),
    purity: nullable(row, 'purity'),
    nmi: nullable(row, 'nmi'),
    swaps: row.swaps === null ? [] : json(textIn(row, 'swaps'), Swaps),
  };
}

/** Runs from before prototypes could be added and removed have no such column. */
function idsIn(row: Row, k: number): Int32Array<ArrayBuffer> {
  return row.ids === null || row.ids === undefined
    ? Int32Array.from({ length: k }, (_, id) => id)
    : new Int32Array(blob(row, 'ids', 4 * k));
}

export function insertProbe(db: Database, { index, labels, classes }: ProbeSet): void {
  const of = [bytes(index), labels === null ? null : bytes(labels), JSON.stringify(classes)];
  db.prepare('INSERT OR REPLACE INTO probe VALUES (1, ?, ?, ?)').run(...of);
}

/** Null where the run has taken no snapshot. */
export function readProbe(db: Database): ProbeSet | null {
  if (db.version() < SINCE) return null;
  const row = db.prepare('SELECT * FROM probe').get();
  if (row === undefined) return null;
  const index = new Int32Array(blob(row, 'images'));
  return {
    index,
    labels: row.labels === null ? null : new Int32Array(blob(row, 'labels', 4 * index.length)),
    classes: json(textIn(row, 'classes'), z.array(z.string())),
  };
}

export function readLabels(db: Database): PrototypeLabel[] {
  if (db.version() < SINCE) return [];
  return db
    .prepare('SELECT * FROM prototype_labels ORDER BY prototype')
    .all()
    .map((row) => ({
      prototype: numberIn(row, 'prototype'),
      name: textIn(row, 'name'),
      colour: nullable(row, 'colour'),
    }));
}

/** A label that says nothing is no label. */
export function writeLabel(db: Database, { prototype, name, colour }: PrototypeLabel): void {
  if (name === '' && colour === null) {
    db.prepare('DELETE FROM prototype_labels WHERE prototype = ?').run(prototype);
  } else {
    db.prepare('INSERT OR REPLACE INTO prototype_labels VALUES (?, ?, ?)').run(
      prototype,
      name,
      colour,
    );
  }
}

/** Little-endian, as every machine that Protodiff runs on. */
function bytes(data: Float32Array | Int32Array | Uint16Array): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/** The bytes of a column as a buffer of their own; the driver's need not begin on a multiple of 4. */
function blob(row: Row, column: string, size?: number): ArrayBuffer {
  const value = row[column];
  if (!(value instanceof Uint8Array)) throw damaged(column);
  const { byteLength } = value;
  if (size === undefined ? byteLength % 4 !== 0 : byteLength !== size) throw damaged(column);
  return value.slice().buffer as ArrayBuffer;
}

function nullable(row: Row, column: string): number | null {
  return row[column] === null ? null : numberIn(row, column);
}

function json<T>(text: string, schema: z.ZodType<T>): T {
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    if (cause instanceof SyntaxError || cause instanceof z.ZodError) throw damaged(text);
    throw cause;
  }
}

function damaged(what: string): Error {
  return Object.assign(new Error(`"${what.slice(0, 40)}" of the prototypes cannot be read`), {
    code: 'SQLITE_CORRUPT',
  });
}
