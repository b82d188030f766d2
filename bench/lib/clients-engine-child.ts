import { ndarray } from '../../src/shared/maths/ndarray';
import { fakeService } from '../../src/shared/protocol/testing';
import type { SubscriptionEvent } from '../../src/shared/protocol/contract';
import { hostLink } from '../../src/engine/host-link';
import { curves, latestShared } from '../../src/engine/record-sources';
import { runProcess } from '../../src/engine/run-process';
import { Topics, topic } from '../../src/engine/topics';
import type { MetricRows } from '../../src/store/port';

/**
 * The engine of bench/clients.ts, with the sources of the real one: steps of a fixed amount of work, a
 * row of scalars 20 times and a preview of 256 KB twice a second. How many steps it made is told as the
 * first notebook's time.
 */
const SCALARS_MS = 50;
const PREVIEW_MS = 500;
const STEP = 2_700_000; // additions, about 10 ms

const link = hostLink();
if (link === undefined) throw new Error('to be forked');
const topics = new Topics();
const wall: number[] = [];
let steps = 0;
let taken = 0;
/** Unix ms of the newest preview. */
let takenAt = 0;
let sum = 0;

function train(): void {
  // Small numbers: larger ones would be allocated, and the collector's time is no fixed amount.
  let last = sum;
  for (let i = 0; i < STEP; i++) last = (last + i) % 1009;
  sum = last;
  steps += 1;
  setImmediate(train);
}
setInterval(() => {
  wall.push(Date.now());
  topics.changed(topic.curves('r'));
}, SCALARS_MS);
setInterval(() => {
  taken += 1;
  takenAt = Date.now();
  topics.changed(topic.samples('r'));
}, PREVIEW_MS);

function metrics(_run: string, from: number): MetricRows {
  const [total, n] = [wall.length, wall.length - from];
  const column = (value: (row: number) => number): Float64Array =>
    Float64Array.from({ length: n }, (_, i) => value(from + i));
  return {
    ...{
      keys: ['train/loss'],
      step: column((row) => row),
      wall: column((row) => wall[row] ?? NaN),
    },
    ...{ active: column((row) => row), values: new Float64Array(n), next: total, total },
  };
}

function preview(): SubscriptionEvent<'samples'> | undefined {
  if (taken === 0) return undefined;
  const settings = {
    ...{ sampler: 'ddim' as const, steps: 5, eta: 0, guidance: 1, count: 64, seed: 1, run: 'r' },
    ...{ weights: 'ema' as const, draw: 'per_image' as const, prototypes: [] },
    ...{ step: taken, seconds: takenAt },
  };
  return { settings, images: ndarray(new Uint8Array(64 ** 3).fill(taken), [64, 64, 64, 1]) };
}

const context = { store: { metrics }, topics };
const service = fakeService({
  answers: { 'notebooks.list': () => ({ notebooks: [{ name: `${sum}`, modified: steps }] }) },
  feeds: {
    curves: (input, changed) => curves(context, input, changed),
    samples: (_input, changed) => latestShared(context, topic.samples('r'), changed, preview),
  },
});
void runProcess({
  ...{ env: process.env, link, exit: (code: number) => process.exit(code) },
  createEngine: async () => {
    train();
    return {
      request: (...call) => service.request(...call),
      subscribe: (...call) => service.subscribe(...call),
      close: () => Promise.resolve(),
    };
  },
});
