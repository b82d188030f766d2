import type { TrajectoryView } from '@shared/config/notebook';
import type { SubscriptionEvent } from '@shared/protocol/contract';
import { FINISHED } from '@shared/protocol/contract-trajectories';
import type { Picture } from '../../components/pixels';

/** One frame of a grid; the planes are [H, W, C] u8 as the contract scales them. */
export interface Frame {
  row: number;
  column: number;
  t: number;
  /** Root mean square distance of the predicted x_0 to the first row's; x_0 spans 2. */
  apart: number;
  width: number;
  height: number;
  channels: number;
  x_t: Uint8Array;
  x_0: Uint8Array;
  eps: Uint8Array;
}

/** A row has parted from the first where its predicted x_0 is this far away: a twentieth of its span. */
export const PARTED = 0.1;

export const DIFFERENCE_COLOURS = {
  light: { darker: [0, 114, 178], lighter: [200, 88, 0] },
  dark: { darker: [74, 163, 223], lighter: [240, 140, 60] },
} as const;

export const keyOf = (row: number, column: number): string => `${row} ${column}`;

export function framesOf(event: SubscriptionEvent<'trajectory'>): Frame[] {
  const [, height = 1, width = 1, channels = 1] = event.x_t.shape;
  const size = height * width * channels;
  const cut = (plane: Uint8Array, i: number): Uint8Array => plane.slice(i * size, (i + 1) * size);
  return event.frames.map((frame, i) => ({
    ...frame,
    ...{ width, height, channels },
    x_t: cut(event.x_t.data, i),
    x_0: cut(event.x_0.data, i),
    eps: cut(event.eps.data, i),
  }));
}

/** What a view shows of a frame; null where there is nothing: eps of a finished image. */
export function pictureOf(
  frame: Frame,
  first: Frame | undefined,
  view: TrajectoryView,
  dark: boolean,
  gain = 1,
): Picture | null {
  if (view === 'difference') return first ? difference(frame, first, dark, gain) : null;
  if (view === 'eps' && frame.t === FINISHED) return null;
  const { width, height, channels } = frame;
  const plane = frame[view];
  const rgba = new Uint8ClampedArray(width * height * 4);
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < 3; c++) {
      rgba[i * 4 + c] = plane[i * channels + Math.min(c, channels - 1)] ?? 0;
    }
    rgba[i * 4 + 3] = 255;
  }
  return { width, height, rgba };
}

/**
 * How much stronger differences are drawn, so that small ones are seen: 1 where a frame is half its
 * span away from the first row's, at most 64. A power of two, so that it holds while frames come.
 */
export function differenceGain(frames: Iterable<Frame>): number {
  let most = 0;
  for (const { apart } of frames) most = Math.max(most, apart);
  if (most === 0) return 1;
  // Pixels that differ are few: four times the root mean square is near their size.
  return 2 ** Math.min(6, Math.max(0, Math.floor(Math.log2(1 / (4 * (most / 2))))));
}

/** The predicted x_0 less the first row's, as opacity of two colours: equal is clear. */
function difference(frame: Frame, first: Frame, dark: boolean, gain: number): Picture {
  const { width, height, channels } = frame;
  const { darker, lighter } = DIFFERENCE_COLOURS[dark ? 'dark' : 'light'];
  const rgba = new Uint8ClampedArray(width * height * 4);
  for (let i = 0; i < width * height; i++) {
    let sum = 0;
    for (let c = 0; c < channels; c++) {
      sum += (frame.x_0[i * channels + c] ?? 0) - (first.x_0[i * channels + c] ?? 0);
    }
    const d = sum / channels / 255;
    rgba.set(d < 0 ? darker : lighter, i * 4);
    rgba[i * 4 + 3] = 255 * Math.min(1, 1.5 * gain * Math.abs(d));
  }
  return { width, height, rgba };
}

/** The first column shown, from the noise, where the row has parted from the first row. */
export function partingColumn(frames: readonly Frame[], row: number): number | undefined {
  if (row === 0) return undefined;
  return frames
    .filter((frame) => frame.row === row && frame.apart > PARTED)
    .sort((a, b) => a.column - b.column)[0]?.column;
}

export const columnName = (t: number): string => (t === FINISHED ? 'image' : String(t));
