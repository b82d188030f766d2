import type { XAxis } from '@shared/config/notebook';
import type { SubscriptionEvent } from '@shared/protocol/contract';
import { Column } from './column';
import type { Track } from './column';
import { Growing } from './growing';

/** How a run's rows become an x axis: images of a step, and of an epoch. */
export interface Scale {
  axis: XAxis;
  batch: number;
  /** NaN where it is not known; the epoch axis needs it. */
  images: number;
}

/** One metric over one axis; all [n], measured values only. */
export interface Series {
  x: Float64Array;
  step: Float64Array;
  raw: Track;
  smoothed: Track;
  /** Values at or below 0 that `raw` leaves out because the y axis is logarithmic. */
  dropped: number;
}

/**
 * All rows of one run's metrics as columns, plain typed arrays outside any reactivity. Smoothed
 * columns, counted axes and what drawing needs are kept beside them and extended as rows arrive.
 */
export class CurvesBuffer {
  readonly step = new Growing();
  readonly wall = new Growing();
  readonly active = new Growing();
  private columns = new Map<string, Column>();
  /** x of the values of one column, or of all rows, over one axis. */
  private axes = new Map<string, Growing>();

  /** @param outline  only some of the run's rows are here: averages over them mean nothing */
  constructor(readonly outline = false) {}

  get length(): number {
    return this.step.length;
  }

  append(event: SubscriptionEvent<'curves'>): void {
    const before = this.length;
    this.step.append(event.step.data);
    this.wall.append(event.wall.data);
    this.active.append(event.active.data);
    event.keys.forEach((key, k) => {
      let column = this.columns.get(key);
      if (!column) this.columns.set(key, (column = new Column()));
      column.append(event.values.data, k, event.keys.length, before);
    });
  }

  clear(): void {
    for (const column of [this.step, this.wall, this.active]) column.clear();
    this.columns.clear();
    this.axes.clear();
  }

  /** Metrics that have at least one value, in the order they came. */
  get keys(): string[] {
    return [...this.columns].filter(([, { length }]) => length > 0).map(([key]) => key);
  }

  has(key: string): boolean {
    return (this.columns.get(key)?.length ?? 0) > 0;
  }

  /** [length] the x values of all rows. */
  axis(scale: Scale): Float64Array {
    const { axis } = scale;
    if (axis === 'step' || axis === 'active' || axis === 'wall') return this[axis].view();
    return this.grown(`rows ${nameOf(scale)}`, this.length, this.placeOn(scale));
  }

  /** Undefined when nothing was measured. */
  series(key: string, scale: Scale, weight: number, logY: boolean): Series | undefined {
    const column = this.columns.get(key);
    if (!column || column.length === 0) return undefined;
    const { track: raw, dropped } = logY ? column.onLog() : { track: column.track(), dropped: 0 };
    const smoothed = column.smooth(this.outline ? 0 : weight);
    if (column.dense) {
      // A metric that a later part of the run lacks has fewer values than there are rows.
      const part = (all: Float64Array): Float64Array => all.subarray(0, column.length);
      return { x: part(this.axis(scale)), step: part(this.step.view()), raw, smoothed, dropped };
    }
    const on = (over: Scale): Float64Array => {
      const place = this.placeOn(over);
      return this.grown(`${key} ${nameOf(over)}`, column.length, (i) => place(column.rowAt(i)));
    };
    return {
      x: on(scale),
      step: on({ ...scale, axis: 'step' }),
      raw,
      smoothed,
      dropped,
    };
  }

  /** [length] a value a row, NaN where it was not measured. */
  rows(key: string): Float64Array {
    const all = new Float64Array(this.length).fill(NaN);
    const column = this.columns.get(key);
    const values = column?.track().values ?? [];
    values.forEach((value, i) => (all[column?.rowAt(i) ?? 0] = value));
    return all;
  }

  /** The last value, NaN when there is none, and the lowest. */
  bounds(key: string): { last: number; best: number; bestStep: number } {
    const column = this.columns.get(key);
    const { values, extremes } = column?.track() ?? {
      values: new Float64Array(0),
      extremes: () => [-1, -1],
    };
    const [low] = extremes(0, values.length);
    return {
      last: values[values.length - 1] ?? NaN,
      best: values[low ?? -1] ?? NaN,
      bestStep: this.step.at(column?.rowAt(low ?? -1) ?? -1),
    };
  }

  /** A row's x. */
  private placeOn({ axis, batch, images }: Scale): (row: number) => number {
    switch (axis) {
      case 'step':
      case 'active':
      case 'wall':
        return (row) => this[axis].at(row);
      case 'images':
        return (row) => this.step.at(row) * batch;
      case 'epoch':
        return (row) => (this.step.at(row) * batch) / images;
      case 'elapsed': {
        // Both times begin together: a branch counts on from what its parent had trained.
        const began = this.wall.at(0) - 1000 * this.active.at(0);
        return (row) => (this.wall.at(row) - began) / 1000;
      }
    }
  }

  private grown(name: string, length: number, value: (index: number) => number): Float64Array {
    let kept = this.axes.get(name);
    if (!kept) this.axes.set(name, (kept = new Growing()));
    for (let i = kept.length; i < length; i++) kept.push(value(i));
    return kept.view();
  }
}

/** What is kept of an axis is found by this. */
function nameOf({ axis, batch, images }: Scale): string {
  return `${axis} ${batch} ${images}`;
}
