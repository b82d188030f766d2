import { createHash } from 'node:crypto';
import { ndarray } from '@shared/maths/ndarray';
import type { NdArray } from '@shared/maths/ndarray';

export interface Skip {
  /** Path below the folder that was read. */
  what: string;
  reason: string;
}

/** Images in memory, however they were stored. */
export interface Dataset {
  name: string;
  /** [count, height, width, channels] */
  images: Uint8Array;
  /** [count], indices into `classes`; null where the source has no labels. */
  labels: Int32Array | null;
  classes: string[];
  count: number;
  height: number;
  width: number;
  channels: 1 | 3;
  /** sha256, hex: equal for equal pixels, labels and class names, wherever they came from. */
  fingerprint: string;
  /** The first 200 files that were passed over. */
  skipped: Skip[];
  skipped_total: number;
}

export const SKIPPED_SHOWN = 200;

/** A data set without what can be computed from the rest. */
export type DatasetParts = Omit<Dataset, 'fingerprint' | 'skipped' | 'skipped_total'> &
  Partial<Pick<Dataset, 'skipped' | 'skipped_total'>>;

/**
 * Adds the fingerprint: sha256 over the shape, the sha256 of the pixels, that of the labels (each
 * as 4 bytes, little-endian) and the class names.
 * @param imagesSha256 the sha256 of `images`, hex, where it is known already
 */
export function dataset(parts: DatasetParts, imagesSha256 = sha256(parts.images)): Dataset {
  const { count, height, width, channels, labels, classes } = parts;
  if (parts.images.length !== count * height * width * channels) {
    throw new RangeError(`${parts.images.length} bytes do not hold ${count} images`);
  }
  if (labels !== null && labels.length !== count) {
    throw new RangeError(`${labels.length} labels for ${count} images`);
  }
  const fingerprint = sha256(
    JSON.stringify([
      'protodiff-dataset-1',
      [count, height, width, channels],
      imagesSha256,
      labels === null ? null : sha256(littleEndian(labels)),
      classes,
    ]),
  );
  return { skipped: [], skipped_total: 0, ...parts, fingerprint };
}

export function sha256(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** The canonical bytes of labels, on disk and in the fingerprint. */
export function littleEndian(values: Int32Array): Uint8Array {
  const bytes = new Uint8Array(4 * values.length);
  const view = new DataView(bytes.buffer);
  values.forEach((value, i) => view.setInt32(4 * i, value, true));
  return bytes;
}

/** The images at `index`, [n, H, W, C] u8; none of them where there is no data. */
export function imagesAt(
  data: Dataset | null,
  index: Int32Array,
  shape: readonly [height: number, width: number, channels: number],
): NdArray<Uint8Array> {
  const pixels = shape[0] * shape[1] * shape[2];
  const out = new Uint8Array(index.length * pixels);
  index.forEach((image, i) =>
    out.set(data?.images.subarray(image * pixels, (image + 1) * pixels) ?? [], i * pixels),
  );
  return ndarray(out, [index.length, ...shape]);
}
