import { expect, it } from 'vitest';
import { ndarray } from '../maths/ndarray';
import { createClient } from './client';
import { memoryPair } from './memory-transport';
import { serve } from './server';
import { share } from './shared-event';
import { HandTimers, curvesSource, fakeService, settle } from './testing';
import { inSlots } from './timers';

const SETTINGS = {
  ...{ sampler: 'ddim', steps: 5, eta: 0, count: 1, weights: 'ema', draw: 'per_image' },
  ...{ seed: 1, run: 'r', prototypes: [], seconds: 1 },
};

it('an event for several windows is encoded once, and each gets it in its own stream and order', async () => {
  const clock = new HandTimers();
  let encoded = 0;
  let news: object = {};
  let step = 0;
  const listeners = new Set<() => void>();
  const service = fakeService({
    feeds: {
      curves: curvesSource().feed,
      samples: (_input, changed) => {
        let seen = 0;
        listeners.add(changed);
        const pull = (): object | undefined => (seen === step ? undefined : ((seen = step), news));
        return { pull, close: () => listeners.delete(changed) };
      },
    },
  });
  const preview = async (): Promise<void> => {
    step += 1;
    const settings = { ...SETTINGS, step };
    const told = { toJSON: () => ((encoded += 1), settings) };
    const images = ndarray(new Uint8Array(4).fill(step), [1, 2, 2, 1]);
    news = share({ settings: told, images });
    listeners.forEach((changed) => changed());
    await clock.advance(50);
  };

  const windows = [0, 1, 2].map((before) => {
    const client = createClient(async () => {
      const [near, far] = memoryPair();
      serve(service, far, { timers: clock });
      return near;
    });
    // The streams of each window have numbers of their own.
    for (let n = 0; n < before; n++) client.subscribe('curves', { run: 'r' }, () => undefined);
    const got: number[][] = [];
    client.subscribe('samples', { run: 'r' }, (event) => {
      got.push([event.settings.step, ...event.images.data]);
      // What one window does with its arrays is nothing to the others.
      event.images.data.fill(99);
    });
    return { client, got };
  });
  await settle();
  await preview();
  await preview();
  for (const { client, got } of windows) {
    client.close();
    expect(got).toEqual([
      [1, 1, 1, 1, 1],
      [2, 2, 2, 2, 2],
    ]);
  }
  expect(encoded).toBe(2);
});

it('timers in slots run together at the next multiple, and not once they were cleared', async () => {
  const clock = new HandTimers();
  const timers = inSlots(clock, 10);
  const from = clock.now();
  const ran: [string, number][] = [];
  const note = (name: string) => () => ran.push([name, clock.now() - from]);
  timers.set(note('a'), 1);
  await clock.advance(3);
  timers.set(note('b'), 4);
  timers.set(note('c'), 8);
  timers.clear(timers.set(note('d'), 4));
  expect(clock.waiting).toBe(2);
  await clock.advance(30);
  expect(ran).toEqual([
    ['a', 10],
    ['b', 10],
    ['c', 20],
  ]);
});
