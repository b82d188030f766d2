import type { Snapshot } from '../../session/prototype-history';

/** Mean over the timesteps of how much eps changes; null where that was not measured. */
export function meanSwap({ swaps }: Pick<Snapshot, 'swaps'>): number | null {
  if (swaps.length === 0) return null;
  return swaps.reduce((sum, { change }) => sum + change, 0) / swaps.length;
}

/** The newest snapshot with measured swaps at or before a step; else the first one after it. */
export function measuredAt(all: readonly Snapshot[], step: number): Snapshot | undefined {
  const measured = all.filter(({ swaps }) => swaps.length > 0);
  return [...measured].reverse().find((each) => each.step <= step) ?? measured[0];
}

/** A share as a tick of an axis: `20 %`, `0.5 %`. */
export function percentTick(share: number): string {
  return `${Number((100 * share).toPrecision(2))} %`;
}

const TOPS = [1, 1.5, 2, 3, 4, 5, 6, 8, 10];

/** The top of an axis from 0 that holds `value`, so that it and its half are short to write. */
export function roundTop(value: number): number {
  const unit = 10 ** Math.floor(Math.log10(value));
  const top = TOPS.find((each) => each * unit >= value * (1 - 1e-9)) ?? 10;
  return Number((top * unit).toPrecision(3));
}
