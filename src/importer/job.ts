import { z } from 'zod';
import { ErrorBodySchema } from '@shared/protocol/contract';

/** What the importer process is asked for. */
export const ImportJobSchema = z.strictObject({
  kind: z.enum(['folder', 'cifar10']),
  path: z.string().min(1),
  image_size: z.number().int().positive(),
  channels: z.union([z.literal(1), z.literal(3)]),
  /** The folder of earlier results. */
  cache: z.string().min(1),
});
export type ImportJob = z.infer<typeof ImportJobSchema>;

export interface ImportProgress {
  done: number;
  /** Null until it is known. */
  total: number | null;
}

/** A data set as it was imported; see Dataset for shapes. */
export interface ImportResult {
  images: Uint8Array;
  /** Hex. */
  images_sha256: string;
  labels: Int32Array | null;
  classes: string[];
  count: number;
  height: number;
  width: number;
  channels: 1 | 3;
  skipped: { what: string; reason: string }[];
  skipped_total: number;
}

/** The result's pixels and labels lie in files beside this one. */
export const ReportSchema = z.strictObject({
  count: z.number().int().positive(),
  height: z.number().int().positive(),
  width: z.number().int().positive(),
  channels: z.union([z.literal(1), z.literal(3)]),
  classes: z.array(z.string()),
  labelled: z.boolean(),
  images_sha256: z.string(),
  labels_sha256: z.string(),
  skipped: z.array(z.strictObject({ what: z.string(), reason: z.string() })),
  skipped_total: z.number().int().nonnegative(),
});
export type Report = z.infer<typeof ReportSchema>;

export const IMAGES_FILE = 'images.u8';
/** int32, little-endian; empty where there are none. */
export const LABELS_FILE = 'labels.i32';
export const REPORT_FILE = 'report.json';

/** First message to the process: the job, and the empty folder to write into. */
export const OrderSchema = z.strictObject({ job: ImportJobSchema, work: z.string().min(1) });
export type Order = z.infer<typeof OrderSchema>;

/** What the process says back. */
export const NewsSchema = z.discriminatedUnion('type', [
  /** Something was done; `current` is the file being read. */
  z.strictObject({
    type: z.literal('progress'),
    done: z.number(),
    total: z.number().nullable(),
    current: z.string(),
  }),
  z.strictObject({ type: z.literal('memory'), rss: z.number() }),
  /** The result lies in the cache already, under this key. */
  z.strictObject({ type: z.literal('known'), key: z.string() }),
  z.strictObject({ type: z.literal('written'), key: z.string() }),
  /** It has grown too large; a new process is to go on with the same order. */
  z.strictObject({ type: z.literal('more'), key: z.string() }),
  z.strictObject({ type: z.literal('failed'), error: ErrorBodySchema }),
]);
export type News = z.infer<typeof NewsSchema>;
