import { stream } from '@shared/maths/rng';
import type { NdArray } from '@shared/maths/ndarray';
import { imagesAt } from '../data/dataset';
import type { Dataset } from '../data/dataset';

export interface Found {
  /** Position in the data set. */
  image: number;
  /** Root mean square over the pixel values, of which black to white spans 1. */
  distance: number;
}

/** Training images whose nearest other one is looked for, to know what is usual. */
const USUAL_SAMPLE = 64;
const usual = new WeakMap<Dataset, Map<boolean, number>>();

/** Finds the training image nearest to an image, pixel by pixel: has the model learned it by heart? */
export class NearestImages {
  private readonly size: number;

  constructor(
    private readonly data: Dataset,
    /** Training mirrors images: a mirrored one counts as well. */
    private readonly flip: boolean,
  ) {
    this.size = data.height * data.width * data.channels;
  }

  /**
   * @param pixels  [H, W, C] u8
   * @param except  a training image that does not count
   */
  of(pixels: Uint8Array, except = -1): Found {
    const views = this.flip ? [pixels, mirrored(pixels, this.data)] : [pixels];
    let best = Infinity;
    let image = -1;
    for (let i = 0; i < this.data.count; i++) {
      if (i === except) continue;
      for (const view of views) {
        const squared = this.apart(view, i, best);
        if (squared < best) [best, image] = [squared, i];
      }
    }
    return { image, distance: Math.sqrt(best / this.size) / 255 };
  }

  /** The training images at `index`, [n, H, W, C] u8. */
  images(index: Int32Array): NdArray<Uint8Array> {
    const { height, width, channels } = this.data;
    return imagesAt(this.data, index, [height, width, channels]);
  }

  /** Searches that `usual` makes. */
  get usualSearches(): number {
    return usual.get(this.data)?.has(this.flip) ? 0 : Math.min(USUAL_SAMPLE, this.data.count);
  }

  /**
   * How far a training image usually is from its nearest other one: the median over a fixed sample
   * of them. One search at each `next()`; none where it is known already.
   */
  *usual(): Generator<void, number, void> {
    const known = usual.get(this.data) ?? new Map<boolean, number>();
    const kept = known.get(this.flip);
    if (kept !== undefined) return kept;
    const order = stream(0, 'probe', 0).permutation(this.data.count);
    const distances: number[] = [];
    for (const image of order.subarray(0, USUAL_SAMPLE)) {
      const at = image * this.size;
      distances.push(this.of(this.data.images.subarray(at, at + this.size), image).distance);
      yield;
    }
    const value = distances.sort((a, b) => a - b)[distances.length >> 1] ?? 0;
    usual.set(this.data, known.set(this.flip, value));
    return value;
  }

  /** Sum of squares, or `limit` and more as soon as it is that much. */
  private apart(pixels: Uint8Array, image: number, limit: number): number {
    const { images, width, channels } = this.data;
    const row = width * channels;
    const from = image * this.size;
    let sum = 0;
    for (let start = 0; start < this.size && sum < limit; start += row) {
      for (let i = start; i < start + row; i++) {
        const difference = (pixels[i] as number) - (images[from + i] as number);
        sum += difference * difference;
      }
    }
    return sum;
  }
}

function mirrored(pixels: Uint8Array, { height, width, channels }: Dataset): Uint8Array {
  const out = new Uint8Array(pixels.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < channels; c++) {
        out[(y * width + x) * channels + c] = pixels[
          (y * width + (width - 1 - x)) * channels + c
        ] as number;
      }
    }
  }
  return out;
}
