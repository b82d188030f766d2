import { ActSchema } from '@shared/config/surgery';
import type { ActEntry } from '@shared/protocol/contract';
import { numberIn, textIn } from './sqlite';
import type { Database } from './sqlite';

/** The first version of the schema that has them. */
const SINCE = 4;

/** In the order they were done. */
export function readActs(db: Database): ActEntry[] {
  if (db.version() < SINCE) return [];
  return db
    .prepare('SELECT seq, applied_at_step, act, wall FROM acts ORDER BY seq')
    .all()
    .map((row) => ({
      seq: numberIn(row, 'seq'),
      applied_at_step: numberIn(row, 'applied_at_step'),
      act: actIn(textIn(row, 'act')),
      wall: numberIn(row, 'wall'),
    }));
}

function actIn(text: string): ActEntry['act'] {
  try {
    return ActSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw Object.assign(new Error(`"${text.slice(0, 40)}" is no act on prototypes`), {
      ...{ code: 'SQLITE_CORRUPT', cause },
    });
  }
}

/** @param saved  [rows, 4, dim], see schema.ts */
export function insertAct(
  db: Database,
  { applied_at_step, act, wall }: Omit<ActEntry, 'seq'>,
  saved: Float32Array,
): ActEntry {
  const row = db
    .prepare(
      'INSERT INTO acts (applied_at_step, act, saved, wall) VALUES (?, ?, ?, ?) RETURNING seq',
    )
    .get(
      ...[applied_at_step, JSON.stringify(act)],
      new Uint8Array(saved.buffer, saved.byteOffset, saved.byteLength),
      wall,
    );
  return { seq: numberIn(row, 'seq'), applied_at_step, act, wall };
}

/** The rows that the act changed, as they were. @throws Error SQLITE_CORRUPT where there is none */
export function readSaved(db: Database, seq: number): Float32Array {
  const saved = db.prepare('SELECT saved FROM acts WHERE seq = ?').get(seq)?.saved;
  if (saved instanceof Uint8Array && saved.byteLength % 4 === 0) {
    return new Float32Array(saved.slice().buffer);
  }
  throw Object.assign(new Error(`act ${seq} has no rows`), { code: 'SQLITE_CORRUPT' });
}
