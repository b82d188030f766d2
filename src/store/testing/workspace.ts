import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PRESETS } from '@shared/config/presets';
import { ndarray } from '@shared/maths/ndarray';
import type { NdArray } from '@shared/maths/ndarray';
import type { MetricRow, PrototypeSnapshot, RunOrigin, Samples } from '../port';

/** A fresh folder in the system's temporary one; `remove` it after the test. */
export function temporaryRoot(): { root: string; remove: () => void } {
  const root = mkdtempSync(join(tmpdir(), 'protodiff-store-'));
  return { root, remove: () => rmSync(root, { recursive: true, force: true }) };
}

export const ORIGIN: RunOrigin = {
  config: PRESETS.tiny,
  data: { name: 'Digits', fingerprint: 'abc', images: 10_000 },
  versions: { protodiff: '0.1.0' },
};

/** Rows of steps `from` to `to`, both included, with values that follow from the step. */
export function metricRows(from: number, to: number): MetricRow[] {
  return Array.from({ length: to - from + 1 }, (_, i) => {
    const step = from + i;
    return {
      step,
      wall: 1_700_000_000_000 + step,
      active: step / 10,
      values: { 'train/loss': 1 / step, 'train/lr': 1e-3 },
    };
  });
}

export function tensorsOf(seed: number): Record<string, NdArray> {
  return {
    'unet.conv_in.weight': ndarray(
      Float32Array.from({ length: 24 }, (_, i) => i * seed),
      [2, 3, 4],
    ),
    'adam.step': ndarray(Int32Array.of(seed), []),
    'rng.state': ndarray(
      Uint8Array.from({ length: 5 }, (_, i) => (i + seed) % 256),
      [5],
    ),
    'schedule.alphas': ndarray(Float64Array.of(seed, Math.PI), [2]),
  };
}

export function samplesAt(run: string, step: number, count: number, channels: 1 | 3 = 1): Samples {
  const shape = [count, 16, 16, channels];
  const size = count * 16 * 16 * channels;
  return {
    settings: {
      ...PRESETS.tiny.sampling,
      run,
      step,
      prototypes: Array.from({ length: count }, (_, i) => i % 4),
      seconds: 0.5,
    },
    images: ndarray(
      Uint8Array.from({ length: size }, (_, i) => (i * 31 + step) % 256),
      shape,
    ),
  };
}

/** Odd extents, so that no array of it begins or ends on a round number of bytes. */
export function snapshotAt(step: number, dim = 3): PrototypeSnapshot {
  const numbers = (n: number): Float32Array =>
    Float32Array.from({ length: n }, (_, i) => Math.fround(Math.sin(i + step)));
  return {
    step,
    wall: 1000 + step,
    ids: ndarray(Int32Array.of(0, 1, 3, 4, 9), [5]),
    bank: ndarray(numbers(5 * dim), [5, dim]),
    features: ndarray(numbers(7 * dim), [7, dim]),
    assignment: ndarray(Int32Array.of(0, 1, 2, 3, 4, 0, step % 5), [7]),
    usage: ndarray(Float32Array.of(0.1, 0.2, 0.3, 0.4, 0), [5]),
    assignments: 640,
    perplexity: 3.6,
    churn: null,
    purity: 0.75,
    nmi: 0.5,
    swaps: [],
  };
}
