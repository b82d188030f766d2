import { laid, procrustes } from '@shared/maths/procrustes';
import { extentOf, stacked } from '../../session/prototype-history';
import type { Extent, Snapshot } from '../../session/prototype-history';
import type { UmapAnswer, UmapRequest } from './umap-messages';

export interface Layout {
  plane: Float64Array;
  extent: Extent;
}

/** Layouts that are kept. */
const KEPT = 24;
const SEED = 42;

/** Lays snapshots out by UMAP, one at a time, in a worker; each turned to lie as its PCA does. */
export class UmapLayouts {
  /** Goes up when a layout has come. */
  version = $state(0);
  /** Share of the work that is done; undefined when none is. */
  progress = $state<number>();
  /** Training step that is being laid out. */
  step = $state<number>();
  problem = $state<string>();
  // By the plane that a layout lies as: of a snapshot that is made anew, nothing old is shown.
  private layouts = new Map<Float64Array, Layout>();
  private worker: Worker | undefined;

  at({ plane }: Snapshot): Layout | undefined {
    return this.version >= 0 ? this.layouts.get(plane) : undefined;
  }

  begin(snapshot: Snapshot): void {
    this.cancel();
    const { step, plane, bank } = snapshot;
    const worker = new Worker(new URL('./umap-worker.ts', import.meta.url), { type: 'module' });
    this.worker = worker;
    this.step = step;
    this.progress = 0;
    this.problem = undefined;
    worker.onmessage = ({ data }: MessageEvent<UmapAnswer>) => {
      if (data.kind === 'progress') {
        this.progress = data.done / data.total;
        return;
      }
      const turned = laid(data.positions, procrustes(data.positions, plane, true));
      this.keep(plane, { plane: turned, extent: extentOf({ plane: turned, bank }) });
      this.cancel();
    };
    worker.onerror = (event) => {
      this.problem = event.message || 'The worker could not be started.';
      this.cancel();
    };
    const rows = stacked(snapshot);
    const [, d = 0] = bank.shape;
    worker.postMessage({ rows, n: rows.length / d, d, seed: SEED } satisfies UmapRequest);
  }

  cancel(): void {
    this.worker?.terminate();
    this.worker = undefined;
    this.progress = undefined;
    this.step = undefined;
  }

  private keep(plane: Float64Array, layout: Layout): void {
    this.layouts.delete(plane);
    this.layouts.set(plane, layout);
    for (const old of this.layouts.keys()) {
      if (this.layouts.size <= KEPT) break;
      this.layouts.delete(old);
    }
    this.version += 1;
  }
}
