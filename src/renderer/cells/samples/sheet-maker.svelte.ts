import type { SheetPlan } from '@shared/config/sampling-rows';
import { AppError } from '@shared/errors';
import type { Client } from '@shared/protocol/client';
import type { SubscriptionEvent } from '@shared/protocol/contract';

type Event = SubscriptionEvent<'sheet'>;

/** One finished image of a sheet, [H, W, C] u8. */
export interface SheetImage {
  column: number;
  row: number;
  height: number;
  width: number;
  channels: number;
  data: Uint8Array;
  /** The training image nearest to it, where that was asked for. */
  nearest: { index: number; distance: number; data: Uint8Array } | null;
}

export const cellKey = (column: number, row: number): string => `${column} ${row}`;

/** Has the engine make a contact sheet, and holds what has come of it. */
export class SheetMaker {
  made = $state.raw<{ run: string; plan: SheetPlan }>();
  progress = $state.raw<Pick<Event, 'done' | 'total' | 'eta_s' | 'seconds'>>();
  working = $state(false);
  /** Training step of the weights. */
  step = $state<number | null>(null);
  images = $state.raw<ReadonlyMap<string, SheetImage>>(new Map());
  /** Whether the nearest training images were asked for. */
  nearest = $state(false);
  /** How far a training image usually is from its nearest other one; null until it is known. */
  usual = $state<number | null>(null);
  error = $state.raw<AppError>();
  private end: (() => void) | undefined;

  constructor(private readonly engine: Client) {}

  begin(run: string, plan: SheetPlan, nearest = false): void {
    this.cancel();
    this.nearest = nearest;
    this.made = { run, plan };
    this.clear();
    this.error = undefined;
    this.working = true;
    this.end = this.engine.subscribe(
      'sheet',
      { run, ...plan, nearest },
      (event) => this.receive(event),
      {
        onReset: () => this.clear(),
        onError: (thrown) => {
          this.error = AppError.from(thrown);
          this.cancel();
        },
      },
    );
  }

  /** Gives up what is not made yet; the images that came stay. */
  cancel(): void {
    this.working = false;
    this.end?.();
    this.end = undefined;
  }

  private clear(): void {
    this.images = new Map();
    this.progress = undefined;
    this.step = null;
    this.usual = null;
  }

  private receive(event: Event): void {
    const { cells, images, phase, weights_step, done, total, eta_s, seconds } = event;
    this.progress = { done, total, eta_s, seconds };
    this.usual = event.usual_distance;
    this.step ??= weights_step;
    if (cells.length > 0) {
      const [, height = 1, width = 1, channels = 1] = images.shape;
      const size = height * width * channels;
      const all = new Map(this.images);
      cells.forEach(([column, row], i) => {
        const data = images.data.slice(i * size, (i + 1) * size);
        const index = event.nearest_index.data[i];
        const nearest =
          index === undefined
            ? null
            : {
                index,
                distance: event.nearest_distance.data[i] ?? NaN,
                data: event.nearest_images.data.slice(i * size, (i + 1) * size),
              };
        all.set(cellKey(column, row), { column, row, height, width, channels, data, nearest });
      });
      this.images = all;
    }
    if (phase === 'done') this.cancel();
  }
}

const MAKERS = new WeakMap<Client, Map<string, SheetMaker>>();

/** A cell's maker, which outlives its component: folding or moving a cell loses no picture. */
export function sheetMakerOf(engine: Client, key: string): SheetMaker {
  const ours = MAKERS.get(engine) ?? new Map<string, SheetMaker>();
  MAKERS.set(engine, ours);
  const maker = ours.get(key) ?? new SheetMaker(engine);
  ours.set(key, maker);
  return maker;
}
