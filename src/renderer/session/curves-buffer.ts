import type { XAxis } from '@shared/config/notebook';
import { Smoother } from '@shared/maths/smooth';
import type { SubscriptionEvent } from '@shared/protocol/contract';
import { Growing } from './growing';

/**
 * All rows of one run's metrics as columns, plain typed arrays outside any reactivity. Smoothed
 * columns are kept beside them and extended as rows arrive; only a new weight starts them over.
 */
export class CurvesBuffer {
  readonly step = new Growing();
  readonly wall = new Growing();
  readonly active = new Growing();
  private readonly counted = new Growing();
  private perStep = 0;
  private columns = new Map<string, Growing>();
  private smoothed = new Map<string, { smoother: Smoother; values: Growing }>();

  get length(): number {
    return this.step.length;
  }

  append(event: SubscriptionEvent<'curves'>): void {
    const rows = event.step.data.length;
    const before = this.length;
    for (const key of event.keys) {
      if (!this.columns.has(key)) this.columns.set(key, filled(before));
    }
    for (let row = 0; row < rows; row++) {
      this.step.push(event.step.data[row] ?? NaN);
      this.wall.push(event.wall.data[row] ?? NaN);
      this.active.push(event.active.data[row] ?? NaN);
    }
    for (const [key, column] of this.columns) {
      const at = event.keys.indexOf(key);
      for (let row = 0; row < rows; row++) {
        column.push(at < 0 ? NaN : (event.values.data[row * event.keys.length + at] ?? NaN));
      }
    }
  }

  clear(): void {
    for (const column of [this.step, this.wall, this.active, this.counted]) column.clear();
    this.columns.clear();
    this.smoothed.clear();
  }

  /** Metrics seen so far, in the order they came. */
  get keys(): string[] {
    return [...this.columns.keys()];
  }

  /** [length] the x values of an axis; `batch` images are seen at each step, `images` in an epoch. */
  axis(kind: XAxis, batch: number, images = NaN): Float64Array {
    if (kind !== 'images' && kind !== 'epoch') return this[kind].view();
    const perStep = kind === 'images' ? batch : batch / images;
    if (perStep !== this.perStep) this.counted.clear();
    this.perStep = perStep;
    for (let row = this.counted.length; row < this.length; row++) {
      this.counted.push(this.step.at(row) * perStep);
    }
    return this.counted.view();
  }

  /** [length], or undefined when no row ever had the key. */
  raw(key: string): Float64Array | undefined {
    return this.columns.get(key)?.view();
  }

  /** [length] debiased EMA of the column. */
  smooth(key: string, weight: number): Float64Array | undefined {
    const column = this.columns.get(key);
    if (!column) return undefined;
    let kept = this.smoothed.get(key);
    if (!kept || kept.smoother.weight !== weight) {
      kept = { smoother: new Smoother(weight), values: new Growing() };
      this.smoothed.set(key, kept);
    }
    for (let row = kept.values.length; row < column.length; row++) {
      kept.values.push(kept.smoother.next(column.at(row)));
    }
    return kept.values.view();
  }
}

function filled(length: number): Growing {
  const column = new Growing();
  for (let i = 0; i < length; i++) column.push(NaN);
  return column;
}
