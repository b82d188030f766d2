import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createClient } from './client';
import { decodeFrame, encodeFrame } from './frame';
import type { Frame } from './frame';
import { memoryPair } from './memory-transport';
import { serve } from './server';
import { HandTimers, curvesSource, fakeService, settle } from './testing';

const SEED = Number(process.env.SEED ?? 7);

it(`2,000 hostile frames harm no good window of the same service (SEED=${SEED})`, async () => {
  const source = curvesSource();
  const tables = { feeds: { curves: source.feed }, answers: { 'runs.list': () => ({ runs: [] }) } };
  const timers = new HandTimers();
  const [near, engine] = memoryPair();
  serve(fakeService(tables), engine, { timers });
  const client = createClient(async () => near, { timers });
  const seen: number[] = [];
  client.subscribe('curves', { run: 'r' }, (event) => void seen.push(...event.step.data));
  await timers.advance(0);

  const [bad, far] = memoryPair();
  serve(fakeService(tables), far, { timers });
  let answers = 0;
  bad.onMessage((bytes) => {
    decodeFrame(bytes);
    answers += 1;
  });
  const kinds = [
    'request',
    'subscribe',
    'credit',
    'cancel',
    'unsubscribe',
    'event',
    'end',
  ] as const;
  const names = ['hello', 'runs.list', 'curves', 'run.get', '__proto__', ''];
  const frame = fc
    .tuple(
      fc.constantFrom(...kinds),
      fc.nat(6),
      fc.constantFrom(...names),
      fc.oneof(
        fc.constantFrom<Frame['body']>({ protocol: 1 }, { run: 'r' }, {}, { n: 1 }, { n: -1 }),
        fc.dictionary(fc.string(), fc.jsonValue(), { noNullPrototype: true }),
      ),
      fc.option(fc.tuple(fc.nat(), fc.nat(255))),
    )
    .map(([kind, stream, name, body, flip]) => {
      const bytes = encodeFrame({ kind, stream, seq: 0, name, body });
      if (flip !== null) bytes[flip[0] % bytes.length] = flip[1];
      return bytes;
    });
  for (const bytes of fc.sample(frame, { numRuns: 2000, seed: SEED })) {
    bad.send(bytes);
    if (bytes.length % 32 === 0) await settle();
  }
  source.train(4);
  await timers.advance(100);
  expect(answers).toBeGreaterThan(500);
  expect(seen).toEqual([0, 1, 2, 3]);
  expect(await client.request('runs.list', {})).toEqual({ runs: [] });
  client.close();
});
