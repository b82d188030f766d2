import { pca, project } from '@shared/maths/pca';
import { laid, procrustes } from '@shared/maths/procrustes';
import { prototypeAlarms } from '@shared/prototype-alarms';
import type { Alarm } from '@shared/prototype-alarms';
import type { SubscriptionEvent } from '@shared/protocol/contract';

type Event = SubscriptionEvent<'prototypes'>;

/** One snapshot of the bank, with what the map and the alarms make of it. */
export interface Snapshot extends Omit<Event, 'run' | 'restart'> {
  /** [N + K, 2]: the probe images' features, then the prototypes; turned to lie as those before. */
  plane: Float64Array;
  /** Share of the variance of features and prototypes that the plane shows. */
  shown: number;
  /** Worked out when first asked for: a large bank has many pairs to compare. */
  alarms: () => readonly Alarm[];
}

/** x and y from and to, the same for all of the training. */
export interface Extent {
  x: readonly [number, number];
  y: readonly [number, number];
}

/** Numbers of features and banks that are kept, 4 bytes each. */
const MOST_NUMBERS = 24e6;
/** Share of the features at either end that does not set the extent of the axes. */
const TAIL = 0.01;

/**
 * The snapshots of one run, ascending by step, plain data outside any reactivity. Each is laid into
 * its own plane of the widest spread, then turned to lie as the one before did, so that the map
 * neither flips nor spins while it is scrubbed, and nothing that was laid moves when more arrive.
 */
export class PrototypeHistory {
  readonly all: Snapshot[] = [];
  private box: Extent | undefined;

  constructor(private readonly most = MOST_NUMBERS) {}

  get extent(): Extent | undefined {
    return this.box;
  }

  get last(): Snapshot | undefined {
    return this.all[this.all.length - 1];
  }

  receive(event: Event): void {
    if (event.restart) this.clear();
    const at = this.indexOf(event.step);
    const same = this.all[at];
    if (same?.step === event.step && alike(same, event)) {
      // Measured since: only what was measured is new.
      this.all[at] = { ...same, ...pick(event) };
      return;
    }
    const place = same !== undefined && same.step < event.step ? at + 1 : Math.max(0, at);
    const snapshot = lay(event, this.all[place - 1]);
    this.all.splice(place, same?.step === event.step ? 1 : 0, snapshot);
    this.box = joined(this.box, extentOf(snapshot));
    this.thin();
  }

  clear(): void {
    this.all.length = 0;
    this.box = undefined;
  }

  /** Index of the last snapshot at or before the step; the first where none is; -1 when empty. */
  indexOf(step: number): number {
    let low = 0;
    let high = this.all.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.all[middle]?.step ?? Infinity) <= step) low = middle + 1;
      else high = middle;
    }
    return Math.min(Math.max(0, low - 1), this.all.length - 1);
  }

  // Every second one goes, the first and the newest stay: what is left is even in time.
  private thin(): void {
    const size = ({ bank, features }: Snapshot): number => bank.data.length + features.data.length;
    const whole = this.all.reduce((sum, snapshot) => sum + size(snapshot), 0);
    if (whole <= this.most || this.all.length < 4) return;
    const kept = this.all.filter((_, i) => i % 2 === 0 || i === this.all.length - 1);
    this.all.splice(0, this.all.length, ...kept);
  }
}

function pick({ run: _run, restart: _restart, ...rest }: Event): Omit<Event, 'run' | 'restart'> {
  return rest;
}

function alike(a: Snapshot, b: Event): boolean {
  const equal = (x: Float32Array, y: Float32Array): boolean =>
    x.length === y.length && x.every((value, i) => value === y[i]);
  return equal(a.bank.data, b.bank.data) && equal(a.features.data, b.features.data);
}

function lay(event: Event, before: Snapshot | undefined): Snapshot {
  const rows = stacked(event);
  const [n = 0, d = 0] = event.features.shape;
  const [k = 0] = event.bank.shape;
  const fitted = pca(rows, n + k, d);
  const plane = project(fitted, rows, n + k);
  const comparable = before?.plane.length === plane.length ? before.plane : undefined;
  return {
    ...pick(event),
    plane: comparable ? laid(plane, procrustes(plane, comparable)) : plane,
    shown: (fitted.shares[0] ?? 0) + (fitted.shares[1] ?? 0),
    alarms: once(() => prototypeAlarms(event)),
  };
}

function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}

/** [N + K, D] the features, then the bank. */
export function stacked({ features, bank }: Pick<Event, 'features' | 'bank'>): Float32Array {
  const rows = new Float32Array(features.data.length + bank.data.length);
  rows.set(features.data);
  rows.set(bank.data, features.data.length);
  return rows;
}

/** All prototypes, and the features but for the outermost. */
export function extentOf({ plane, bank }: Pick<Snapshot, 'plane' | 'bank'>): Extent {
  const points = plane.length / 2;
  const features = points - (bank.shape[0] ?? 0);
  const along = (axis: 0 | 1): readonly [number, number] => {
    const of = (from: number, to: number): Float64Array =>
      Float64Array.from({ length: to - from }, (_, i) => plane[2 * (from + i) + axis] ?? 0).sort();
    const inner = of(0, features);
    const bankEnds = of(features, points);
    const tail = Math.floor(TAIL * features);
    const low = [inner[tail], bankEnds[0]].filter((v) => v !== undefined);
    const high = [inner[features - 1 - tail], bankEnds[bankEnds.length - 1]].filter(
      (v) => v !== undefined,
    );
    return [Math.min(...low), Math.max(...high)];
  };
  return { x: along(0), y: along(1) };
}

/** The smallest extent that holds both. */
export function joined(a: Extent | undefined, b: Extent): Extent {
  if (!a) return b;
  const along = (
    p: readonly [number, number],
    q: readonly [number, number],
  ): readonly [number, number] => [Math.min(p[0], q[0]), Math.max(p[1], q[1])];
  return { x: along(a.x, b.x), y: along(a.y, b.y) };
}
