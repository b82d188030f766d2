import { AppError } from '@shared/errors';
import type { ErrorBody } from '@shared/errors';
import type { Picture } from '../../../components/pixels';
import { GifFile } from './gif';
import { delaysOf, frameOf } from './stage';
import type { Scene } from './stage';
import { animatedWebp, xmpOf } from './webp';
import type { Still } from './webp';

export type AnimationKind = 'gif' | 'webp';

export interface Order {
  kind: AnimationKind;
  scene: Scene;
  /** ASCII JSON of what made it. */
  settings: string;
}

export type Report =
  { done: number; total: number } | { bytes: Uint8Array<ArrayBuffer> } | { error: ErrorBody };

/** The worker's own end; the page's types do not know that it has another postMessage. */
interface WorkerScope {
  onmessage: ((event: MessageEvent<Order>) => void) | null;
  postMessage(report: Report, transfer?: Transferable[]): void;
}
const scope = self as unknown as WorkerScope;

scope.onmessage = ({ data }) => {
  encode(data).then(
    (bytes) => scope.postMessage({ bytes }, [bytes.buffer]),
    (thrown: unknown) => scope.postMessage({ error: AppError.from(thrown).toBody() }),
  );
};

async function encode({ kind, scene, settings }: Order): Promise<Uint8Array<ArrayBuffer>> {
  const total = scene.columns.length;
  const delays = delaysOf(total);
  const gif = new GifFile();
  const stills: Still[] = [];
  let size = { width: 1, height: 1 };
  for (let column = 0; column < total; column++) {
    const frame = frameOf(scene, column);
    const delay = delays[column] ?? 0;
    size = frame;
    if (kind === 'gif') gif.add(frame, delay);
    else stills.push({ file: await stillWebp(frame), delay });
    scope.postMessage({ done: column + 1, total });
  }
  if (kind === 'gif') return gif.finish(settings);
  return animatedWebp(size.width, size.height, stills, xmpOf(settings));
}

/** The browser's own encoder, without loss. */
async function stillWebp({ width, height, rgba }: Picture): Promise<Uint8Array> {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d');
  if (!context) throw new AppError('unavailable', 'This browser gave no canvas to draw on.');
  context.putImageData(new ImageData(rgba, width, height), 0, 0);
  const blob = await canvas.convertToBlob({ type: 'image/webp', quality: 1 });
  if (blob.type !== 'image/webp') {
    throw new AppError('unavailable', 'This browser cannot write WebP.', {
      remedy: 'Save a GIF, or use the desktop window or a browser built on Chromium.',
    });
  }
  return new Uint8Array(await blob.arrayBuffer());
}
