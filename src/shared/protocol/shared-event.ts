import { encodeFrame } from './frame';
import type { Frame } from './frame';

/** The frame of each shared event, once a window has been sent it. */
const frames = new WeakMap<object, Uint8Array | undefined>();

/**
 * A copy of an event that goes to several windows: it is encoded once for all of them, so neither it nor
 * its arrays may change while it is in use.
 */
export function share<Event extends object>(event: Event): Event {
  const shared = { ...event };
  frames.set(shared, undefined);
  return shared;
}

/** The frame of a shared event, without an address; undefined of any other. */
export function sharedFrame(body: Frame['body']): Uint8Array | undefined {
  if (!frames.has(body)) return undefined;
  const frame = frames.get(body) ?? encodeFrame({ kind: 'event', stream: 0, seq: 0, body });
  frames.set(body, frame);
  return frame;
}
