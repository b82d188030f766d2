import type { MetricRows } from './port';
import { numberIn, textIn } from './sqlite';
import type { Database, Row } from './sqlite';

/** Rows to a packed block. */
export const BLOCK = 4096;
/** row, step, wall, active: the columns before the metric keys; a block leaves `row` out. */
export const FIXED = ['row', 'step', 'wall', 'active'];

/** Metric keys in column order. */
export function metricKeys(db: Database): string[] {
  const columns = db.prepare('PRAGMA table_info(metrics)').all();
  return columns.map((column) => textIn(column, 'name')).slice(FIXED.length);
}

/** How many rows there are, and so the number of the next one. */
export function countMetrics(db: Database): number {
  return numberIn(db.prepare('SELECT coalesce(max(row), -1) + 1 AS n FROM metrics').get(), 'n');
}

/** The step of the last row; -1 where there is none. Steps rise with the rows. */
export function lastStep(db: Database): number {
  const row = db.prepare('SELECT step FROM metrics ORDER BY row DESC LIMIT 1').get();
  return row === undefined ? -1 : numberIn(row, 'step');
}

/**
 * Rows from `from` on, at most `limit`. Whole blocks come out of `metric_blocks` (one value to
 * fetch instead of BLOCK x columns), the rest row by row.
 */
export function readMetrics(db: Database, from: number, limit: number): MetricRows {
  const keys = metricKeys(db);
  const total = countMetrics(db);
  const start = Math.min(Math.max(0, Math.floor(from)), total);
  const n = Math.max(0, Math.min(Math.floor(limit), total - start));
  const out: MetricRows = {
    keys,
    step: new Float64Array(n),
    wall: new Float64Array(n),
    active: new Float64Array(n),
    values: new Float64Array(n * keys.length).fill(NaN),
    next: start + n,
    total,
  };
  const block = db.prepare('SELECT columns, data FROM metric_blocks WHERE block = ?');
  const rows = db.prepare('SELECT * FROM metrics WHERE row >= ? AND row < ? ORDER BY row');
  for (let row = start; row < out.next;) {
    const index = Math.floor(row / BLOCK);
    const end = Math.min((index + 1) * BLOCK, out.next);
    const packed = block.get(index);
    if (packed === undefined) copyRows(rows.all(row, end), out, row - start, end - row);
    else copyBlock(packed, out, row - start, row - index * BLOCK, end - row);
    row = end;
  }
  return out;
}

function copyRows(rows: Row[], out: MetricRows, at: number, count: number): void {
  if (rows.length !== count) throw gap();
  const width = out.keys.length;
  rows.forEach((row, i) => {
    out.step[at + i] = numberIn(row, 'step');
    out.wall[at + i] = numberIn(row, 'wall');
    out.active[at + i] = numberIn(row, 'active');
    out.keys.forEach((key, k) => {
      const value = row[key];
      if (typeof value === 'number') out.values[(at + i) * width + k] = value;
    });
  });
}

function copyBlock(packed: Row, out: MetricRows, at: number, skip: number, count: number): void {
  const columns = numberIn(packed, 'columns');
  const data = packed.data;
  if (!(data instanceof Uint8Array) || data.byteLength !== BLOCK * columns * 8) throw gap();
  // A copy: the driver's bytes need not begin on a multiple of 8.
  const cells = new Float64Array(data.slice().buffer);
  const width = out.keys.length;
  for (let i = 0; i < count; i++) {
    const cell = (skip + i) * columns;
    out.step[at + i] = cells[cell] ?? NaN;
    out.wall[at + i] = cells[cell + 1] ?? NaN;
    out.active[at + i] = cells[cell + 2] ?? NaN;
    // A block from before a key was first written has fewer columns: NaN stands there already.
    for (let k = 0; k < Math.min(columns - 3, width); k++)
      out.values[(at + i) * width + k] = cells[cell + 3 + k] ?? NaN;
  }
}

/** What a database whose rows are not numbered 0, 1, 2 … throws. */
export function gap(): Error {
  return Object.assign(new Error('rows of the metrics are missing'), { code: 'SQLITE_CORRUPT' });
}
