import { Pyramid } from '@shared/maths/pyramid';
import { Smoother } from '@shared/maths/smooth';
import { Growing } from './growing';

/** Values ready to be drawn at any zoom. */
export interface Track {
  values: Float64Array;
  extremes: (from: number, to: number) => [low: number, high: number];
}

/** A growing track with what is needed to draw it; `view` brings that up to date. */
class TrackStore {
  readonly values = new Growing();
  private readonly pyramid = new Pyramid();

  view(): Track {
    const values = this.values.view();
    this.pyramid.extend(values);
    return { values, extremes: (from, to) => this.pyramid.extremes(values, from, to) };
  }
}

/**
 * The measured values of one metric, without the rows that lack it: what is measured at every
 * hundredth step takes a hundredth of the room.
 */
export class Column {
  private readonly raw = new TrackStore();
  /** Row of each value; null as long as value i is row i. */
  private rows: Growing | null = null;
  private smoothed: { smoother: Smoother; track: TrackStore } | undefined;
  /** Values at or below 0, and the others with NaN in the place of those: what a log axis shows. */
  private notPositive = 0;
  private positive: TrackStore | undefined;

  /** Appends values[offset], values[offset + stride], … as rows from `firstRow` on. */
  append(values: Float64Array, offset: number, stride: number, firstRow: number): void {
    const count = Math.ceil((values.length - offset) / stride);
    for (let i = 0; i < count; i++) {
      const value = values[offset + i * stride] ?? NaN;
      const row = firstRow + i;
      if (Number.isNaN(value)) continue;
      if (this.rows === null && row !== this.length) this.rows = identity(this.length);
      this.rows?.push(row);
      this.raw.values.push(value);
      if (value <= 0) this.notPositive += 1;
    }
  }

  get length(): number {
    return this.raw.values.length;
  }

  rowAt(index: number): number {
    return this.rows === null ? index : this.rows.at(index);
  }

  /** Whether every value stands in the row of its index. */
  get dense(): boolean {
    return this.rows === null;
  }

  track(): Track {
    return this.raw.view();
  }

  /** What a log axis can show: NaN where the value is at or below 0; `dropped` are so many. */
  onLog(): { track: Track; dropped: number } {
    if (this.notPositive === 0) return { track: this.track(), dropped: 0 };
    this.positive ??= new TrackStore();
    const { values } = this.positive;
    for (let i = values.length; i < this.length; i++) {
      const value = this.raw.values.at(i);
      values.push(value > 0 ? value : NaN);
    }
    return { track: this.positive.view(), dropped: this.notPositive };
  }

  /** Debiased EMA of the values; kept and extended until another weight is asked for. */
  smooth(weight: number): Track {
    if (weight === 0) return this.track();
    if (this.smoothed?.smoother.weight !== weight) {
      this.smoothed = { smoother: new Smoother(weight), track: new TrackStore() };
    }
    const { smoother, track } = this.smoothed;
    for (let i = track.values.length; i < this.length; i++) {
      track.values.push(smoother.next(this.raw.values.at(i)));
    }
    return track.view();
  }
}

function identity(length: number): Growing {
  const rows = new Growing();
  for (let row = 0; row < length; row++) rows.push(row);
  return rows;
}
