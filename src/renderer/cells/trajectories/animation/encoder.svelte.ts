import { AppError } from '@shared/errors';
import type { AnimationKind, Order, Report } from './worker';

/** Has a worker encode an animation, so that the window stays quick; one at a time. */
export class AnimationEncoder {
  /** What is being encoded; undefined while nothing is. */
  kind = $state<AnimationKind>();
  done = $state(0);
  total = $state(1);
  error = $state.raw<AppError>();
  private worker: Worker | undefined;

  /** @param save  is given the finished file */
  begin(order: Order, save: (bytes: Uint8Array<ArrayBuffer>) => void): void {
    this.cancel();
    this.error = undefined;
    this.kind = order.kind;
    this.done = 0;
    this.total = order.scene.columns.length;
    const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
    this.worker = worker;
    worker.onmessage = ({ data }: MessageEvent<Report>) => {
      if ('done' in data) {
        this.done = data.done;
        return;
      }
      this.cancel();
      if ('bytes' in data) save(data.bytes);
      else this.fail(new AppError(data.error.code, data.error.message, data.error));
    };
    worker.onerror = ({ message }) => {
      this.cancel();
      this.fail(new AppError('internal', `The animation was not encoded: ${message}`));
    };
    worker.postMessage(order);
  }

  cancel(): void {
    this.worker?.terminate();
    this.worker = undefined;
    this.kind = undefined;
  }

  private fail(error: AppError): void {
    this.error = error;
  }
}
