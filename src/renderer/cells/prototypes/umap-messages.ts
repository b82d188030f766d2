/** What the window asks of the worker. */
export interface UmapRequest {
  /** [n, d] */
  rows: Float32Array;
  n: number;
  d: number;
  seed: number;
}

/** What the worker says: progress, then the positions. */
export type UmapAnswer =
  | { kind: 'progress'; done: number; total: number }
  /** [n, 2] */
  | { kind: 'done'; positions: Float64Array };
