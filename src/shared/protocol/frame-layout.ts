/**
 * The layout of a frame; every number is little-endian, as are all machines that we run on, so
 * arrays are laid over the bytes as they are.
 *
 *   u8 version | u8 kind | u16 flags (0) | u32 stream | u32 seq | u32 header_bytes
 *   header: UTF-8 JSON {name?, body, tensors?: [{name, dtype, shape, at, bytes}]}, padded to 8
 *   the bytes of each tensor in order, each padded to 8
 *
 * `at` counts from the end of the padded header; `bytes` leaves the padding out. A tensor belongs
 * to the body's top level under its name. dtype `utf8` is a long string (see encodeFrame).
 */
export const FRAME_VERSION = 1;
export const PREFIX_BYTES = 16;

/** The index is the number on the wire: append only. */
export const KINDS = [
  'request', // window → engine: `name` is the endpoint, `stream` a number new to the connection
  'response',
  'error', // ends the stream that it names; stream 0 is the connection as a whole
  'cancel', // window → engine: the request's answer is no longer wanted
  'subscribe', // window → engine; no event comes before credit
  'event', // `seq` counts from 0 within the stream
  'credit', // window → engine: {n} more events may be sent
  'unsubscribe', // window → engine
  'end', // the engine ends a subscription without an error
] as const;
export type FrameKind = (typeof KINDS)[number];

export interface Frame {
  kind: FrameKind;
  stream: number;
  seq: number;
  /** The endpoint of a request or a subscription. */
  name?: string;
  /** Plain JSON, and NdArrays at the top level. */
  body: Record<string, unknown>;
}

export interface FrameLimits {
  frameBytes: number;
  headerBytes: number;
  /** Nesting of the header's JSON. */
  depth: number;
  tensors: number;
}

/** What the engine accepts from a window, which may be anything. */
export const ENGINE_LIMITS: FrameLimits = {
  frameBytes: 8 * 1024 * 1024,
  headerBytes: 1024 * 1024,
  depth: 32,
  tensors: 64,
};

/** What a window accepts from its engine: whole histories and picture sets. */
export const WINDOW_LIMITS: FrameLimits = {
  frameBytes: 1024 * 1024 * 1024,
  headerBytes: 64 * 1024 * 1024,
  depth: 64,
  tensors: 64,
};

export const align = (bytes: number): number => Math.ceil(bytes / 8) * 8;
