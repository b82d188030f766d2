import { ndarray } from '../src/shared/maths/ndarray';
import { fakeService } from '../src/shared/protocol/testing';
import { hostLink } from '../src/engine/host-link';
import { runProcess } from '../src/engine/run-process';

/**
 * The engine of bench/clients.ts: steps of a fixed amount of work, a row of scalars 20 times and a
 * preview of 256 KB twice a second. How many steps it made is told as the first notebook's time.
 */
const SCALARS_MS = 50;
const PREVIEW_MS = 500;
const STEP = 1_500_000; // additions, about 2 ms

const link = hostLink();
if (link === undefined) throw new Error('to be forked');
const watchers = { curves: new Set<() => void>(), samples: new Set<() => void>() };
const wall: number[] = [];
let steps = 0;
let taken = 0;
let sum = 0;

function train(): void {
  for (let i = 0; i < STEP; i++) sum += i % 7;
  steps += 1;
  setImmediate(train);
}
setInterval(() => {
  wall.push(Date.now());
  for (const changed of watchers.curves) changed();
}, SCALARS_MS);
setInterval(() => {
  taken += 1;
  for (const changed of watchers.samples) changed();
}, PREVIEW_MS);

function watch(name: keyof typeof watchers, pull: () => unknown) {
  return (changed: () => void) => {
    watchers[name].add(changed);
    return { pull, close: () => void watchers[name].delete(changed) };
  };
}

function rows() {
  let sent = 0;
  return () => {
    if (sent === wall.length) return undefined;
    const from = sent;
    sent = wall.length;
    const column = (value: (row: number) => number): ReturnType<typeof ndarray<Float64Array>> =>
      ndarray(
        Float64Array.from({ length: sent - from }, (_, i) => value(from + i)),
        [sent - from],
      );
    return {
      ...{ run: 'r', restart: from === 0, keys: ['train/loss'] },
      ...{ step: column((row) => row), wall: column((row) => wall[row] ?? NaN) },
      active: column((row) => row),
      values: ndarray(new Float64Array(sent - from), [sent - from, 1]),
    };
  };
}

function previews() {
  let sent = 0;
  return () => {
    if (sent === taken) return undefined;
    sent = taken;
    const settings = {
      ...{ sampler: 'ddim', steps: 5, eta: 0, count: 64, weights: 'ema', draw: 'per_image' },
      ...{ seed: 1, run: 'r', step: taken, prototypes: [], seconds: Date.now() },
    };
    return { settings, images: ndarray(new Uint8Array(64 ** 3).fill(taken), [64, 64, 64, 1]) };
  };
}

const service = fakeService({
  answers: { 'notebooks.list': () => ({ notebooks: [{ name: `${sum}`, modified: steps }] }) },
  feeds: {
    curves: (_input, changed) => watch('curves', rows())(changed),
    samples: (_input, changed) => watch('samples', previews())(changed),
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
