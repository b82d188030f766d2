import { stream } from '@shared/maths/rng';
import type { Dataset } from './dataset';

/**
 * Which images step `step` (from 0) trains on: position step * batch onwards in the endless
 * sequence of epochs, each a new permutation of all n images. A pure function of its arguments,
 * so a run that resumes at a step sees the very same images without any saved state.
 *
 * Every batch is whole: one that reaches over the end of an epoch takes the rest from the next.
 * (The reference ends each epoch with a partial batch instead; over many epochs every image is
 * still seen equally often.)
 * @returns [batch] indices in [0, n)
 * @throws RangeError unless n >= 1, batch >= 1 and step >= 0
 */
export function batchIndices(seed: number, step: number, batch: number, n: number): Int32Array {
  if (!(n >= 1 && batch >= 1 && step >= 0)) {
    throw new RangeError(`no batch of ${batch} at step ${step} from ${n} images`);
  }
  const indices = new Int32Array(batch);
  const start = step * batch;
  let filled = 0;
  while (filled < batch) {
    const position = start + filled;
    const epoch = Math.floor(position / n);
    const offset = position - epoch * n;
    const take = Math.min(batch - filled, n - offset);
    indices.set(permutation(seed, epoch, n).subarray(offset, offset + take), filled);
    filled += take;
  }
  return indices;
}

// The last permutation drawn, kept because the next step nearly always needs it again: a large
// set takes longer to permute than a step takes.
let kept: { key: string; order: Int32Array } | undefined;

function permutation(seed: number, epoch: number, n: number): Int32Array {
  const key = `${seed} ${epoch} ${n}`;
  if (kept?.key !== key) {
    kept = { key, order: stream(seed, 'data-order', epoch).permutation(n) };
  }
  return kept.order;
}

/** What is done to each image of a batch on its way; see gatherBatch. */
export interface Augmentation {
  /** Mirrored left to right. */
  flip: boolean;
  /** Moved right and down by so many pixels, edges repeated. */
  dx: number;
  dy: number;
  /** Turned by so many radians about its middle, before it is moved; edges repeated. */
  angle: number;
}

/**
 * The images at `indices`, scaled from u8 to [-1, 1].
 * @param how what is done to image i; nothing where it is left out
 * @returns [B, H, W, C], B = indices.length
 * @throws RangeError when an index is outside of the data
 */
export function gatherBatch(
  { images, count, height, width, channels }: Dataset,
  indices: ArrayLike<number>,
  how?: ArrayLike<Augmentation>,
): Float32Array {
  const size = height * width * channels;
  const out = new Float32Array(indices.length * size);
  for (let i = 0; i < indices.length; i++) {
    const index = indices[i] as number;
    if (!(index >= 0 && index < count)) throw new RangeError(`there is no image ${index}`);
    const from = index * size;
    const to = i * size;
    const augmentation = how?.[i] ?? PLAIN;
    const { flip, dx, dy, angle } = augmentation;
    if (angle !== 0) {
      turn(images.subarray(from, from + size), [height, width, channels], augmentation, out, to);
      continue;
    }
    if (!flip && dx === 0 && dy === 0) {
      for (let k = 0; k < size; k++) out[to + k] = (images[from + k] as number) / 127.5 - 1;
      continue;
    }
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const column = within(x - dx, width);
        const row = within(y - dy, height);
        const source = from + (row * width + (flip ? width - 1 - column : column)) * channels;
        const target = to + (y * width + x) * channels;
        for (let c = 0; c < channels; c++) {
          out[target + c] = (images[source + c] as number) / 127.5 - 1;
        }
      }
    }
  }
  return out;
}

const PLAIN: Augmentation = { flip: false, dx: 0, dy: 0, angle: 0 };

function within(position: number, extent: number): number {
  return Math.min(extent - 1, Math.max(0, position));
}

/** One image [H, W, C], mirrored, turned and moved into `out` from `to`: bilinear between pixels. */
function turn(
  image: Uint8Array,
  [height, width, channels]: readonly [number, number, number],
  { flip, dx, dy, angle }: Augmentation,
  out: Float32Array,
  to: number,
): void {
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const [cx, cy] = [(width - 1) / 2, (height - 1) / 2];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [ox, oy] = [x - dx - cx, y - dy - cy];
      const turned = within(cx + cos * ox + sin * oy, width);
      const column = flip ? width - 1 - turned : turned;
      const row = within(cy - sin * ox + cos * oy, height);
      const [left, top] = [Math.floor(column), Math.floor(row)];
      const [right, below] = [within(left + 1, width), within(top + 1, height)];
      const [u, v] = [column - left, row - top];
      for (let c = 0; c < channels; c++) {
        const at = (r: number, q: number): number => image[(r * width + q) * channels + c] ?? 0;
        const upper = at(top, left) * (1 - u) + at(top, right) * u;
        const lower = at(below, left) * (1 - u) + at(below, right) * u;
        out[to + (y * width + x) * channels + c] = (upper * (1 - v) + lower * v) / 127.5 - 1;
      }
    }
  }
}
