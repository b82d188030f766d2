import { AppError } from '@shared/errors';
import { BLOCK, FIXED, countMetrics, gap, lastStep, metricKeys } from './metrics';
import type { MetricRow } from './port';
import type { Database, SqlValue, Statement } from './sqlite';

const KEY = /^[a-z][a-z0-9_/.-]{0,79}$/;
const MAX_KEYS = 500;
/** What a step gives again when it is done again; the rest tells of the machine's time. */
const EXACT = /^(train\/(?!images_per_s)|val\/)/;

/** Appends to `metrics`, and packs every block that becomes whole. */
export class MetricsWriter {
  #keys: string[];
  #next: number;
  #lastStep: number;
  #insert: Statement;
  #ahead = 0;

  constructor(private readonly db: Database) {
    this.#keys = metricKeys(db);
    this.#next = countMetrics(db);
    this.#lastStep = lastStep(db);
    this.#insert = this.#prepare();
  }

  /**
   * One transaction.
   * @throws AppError internal when steps do not rise: the series would hold a double
   */
  append(rows: readonly MetricRow[]): void {
    if (rows.length === 0) return;
    this.#write(rows);
    this.#ahead = 0;
  }

  /** These steps have been done again. */
  passed(step: number): void {
    if (step >= this.#ahead) this.#ahead = 0;
  }

  #write(rows: readonly MetricRow[]): void {
    let last = this.#lastStep;
    for (const { step } of rows) {
      if (step <= last) {
        throw new AppError('internal', `Metrics of step ${step} came after those of step ${last}.`);
      }
      last = step;
    }
    const added = this.#newKeys(rows);
    try {
      this.db.transaction(() => {
        for (const key of added) this.db.exec(`ALTER TABLE metrics ADD COLUMN "${key}" REAL`);
        if (added.length > 0) {
          this.#keys = [...this.#keys, ...added];
          this.#insert = this.#prepare();
        }
        rows.forEach((row, i) => this.#insert.run(...this.#cells(row, this.#next + i)));
        const end = this.#next + rows.length;
        for (let b = Math.floor(this.#next / BLOCK); (b + 1) * BLOCK <= end; b++) this.#pack(b);
      });
    } catch (error) {
      if (added.length > 0) {
        this.#keys = this.#keys.filter((key) => !added.includes(key));
        this.#insert = this.#prepare();
      }
      throw error;
    }
    this.#next += rows.length;
    this.#lastStep = last;
  }

  /** The last step that is being done again, until it has been; else 0. */
  get ahead(): number {
    return this.#ahead;
  }

  /** Rows after `step` are there already, and come once more. */
  redoFrom(step: number): void {
    this.#ahead = this.#lastStep > step ? this.#lastStep : 0;
  }

  /** How many of `rows`, from the first on, are there already with the same losses. */
  repeated(rows: readonly MetricRow[]): number {
    for (const [n, row] of rows.entries()) {
      if (row.step > this.#ahead || !this.#recorded(row)) return n;
    }
    return rows.length;
  }

  #recorded({ step, values }: MetricRow): boolean {
    // Steps are recorded one by one, so the row follows from the distance to the last one.
    const row = this.db
      .prepare('SELECT * FROM metrics WHERE row = ?')
      .get(this.#next - 1 - (this.#lastStep - step));
    if (row?.step !== step) return false;
    return Object.entries(values).every(([key, value]) => {
      const before = row[key];
      return !EXACT.test(key) || typeof before !== 'number' || Object.is(before, value);
    });
  }

  /** Drops the rows after `step`. The caller's transaction; `reload` after its commit. */
  dropAfter(step: number): void {
    this.db.prepare('DELETE FROM metrics WHERE step > ?').run(step);
    const whole = Math.floor(countMetrics(this.db) / BLOCK);
    this.db.prepare('DELETE FROM metric_blocks WHERE block >= ?').run(whole);
  }

  reload(): void {
    this.#ahead = 0;
    this.#next = countMetrics(this.db);
    this.#lastStep = lastStep(this.db);
  }

  #newKeys(rows: readonly MetricRow[]): string[] {
    const added: string[] = [];
    for (const row of rows) {
      for (const key of Object.keys(row.values)) {
        if (this.#keys.includes(key) || added.includes(key)) continue;
        if (!KEY.test(key) || FIXED.includes(key)) {
          throw new AppError('internal', `"${key}" cannot be the name of a metric.`);
        }
        added.push(key);
      }
    }
    if (this.#keys.length + added.length > MAX_KEYS) {
      throw new AppError('internal', `A run may have ${MAX_KEYS} metrics at most.`);
    }
    return added;
  }

  #cells(row: MetricRow, number: number): SqlValue[] {
    // SQLite has no NaN; NULL reads back as one.
    const values = this.#keys.map((key) => row.values[key] ?? null);
    return [number, row.step, row.wall, row.active, ...values];
  }

  #pack(block: number): void {
    const from = block * BLOCK;
    const columns = 3 + this.#keys.length;
    const names = [...FIXED.slice(1), ...this.#keys];
    const cells = new Float64Array(BLOCK * columns).fill(NaN);
    const rows = this.db
      .prepare('SELECT * FROM metrics WHERE row >= ? AND row < ? ORDER BY row')
      .all(from, from + BLOCK);
    if (rows.length !== BLOCK) throw gap();
    rows.forEach((row, i) => {
      names.forEach((column, c) => {
        const value = row[column];
        if (typeof value === 'number') cells[i * columns + c] = value;
      });
    });
    this.db
      .prepare('INSERT OR REPLACE INTO metric_blocks VALUES (?, ?, ?)')
      .run(block, columns, new Uint8Array(cells.buffer));
  }

  #prepare(): Statement {
    const marks = [...FIXED, ...this.#keys].map(() => '?').join(', ');
    return this.db.prepare(`INSERT INTO metrics VALUES (${marks})`);
  }
}
