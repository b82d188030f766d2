import { ndarray } from '@shared/maths/ndarray';
import { createClient } from '@shared/protocol/client';
import { fakeService } from '@shared/protocol/testing';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { startServer } from './server';
import type { RunningServer } from './server';
import { FakeEngine, deafClient, fakePage, signIn, socketTransport } from './testing';

/** Rows come every 10 ms and a preview of 1 MB every 20 ms; `made` is how often each was asked for. */
const made = { previews: 0 };
const watchers = new Set<() => void>();
let row = 0;
const service = fakeService({
  feeds: {
    curves: (_input, changed) => {
      let sent = 0;
      watchers.add(changed);
      return {
        pull() {
          if (sent === row) return undefined;
          const step = Float64Array.from({ length: row - sent }, (_, i) => sent + i);
          sent = row;
          const column = () => ndarray(step.slice(), [step.length]);
          return {
            ...{ run: 'r', restart: false, keys: ['train/loss'] },
            ...{ step: column(), wall: column(), active: column() },
            values: ndarray(step.slice(), [step.length, 1]),
          };
        },
        close: () => void watchers.delete(changed),
      };
    },
    samples: (_input, changed) => {
      const timer = setInterval(changed, 20);
      return {
        pull() {
          made.previews += 1;
          const settings = {
            ...{ sampler: 'ddim', steps: 5, eta: 0, count: 1, weights: 'ema', draw: 'per_image' },
            ...{ seed: 1, run: 'r', step: 1, prototypes: [], seconds: 1 },
          };
          return { settings, images: ndarray(new Uint8Array(2 ** 20), [1, 1024, 1024, 1]) };
        },
        close: () => clearInterval(timer),
      };
    },
  },
});
const ticking = setInterval(() => {
  row += 1;
  for (const changed of watchers) changed();
}, 10);

const page = fakePage(afterAll);
let server: RunningServer;
beforeAll(async () => {
  server = await startServer({
    ...{ page, workspace: '/w', resources: '/r', importer: '/i', version: '0' },
    ...{ engineEntry: '/e', port: 0, fork: () => new FakeEngine(service) },
  });
});
afterAll(async () => {
  clearInterval(ticking);
  await server.close();
});

it('a client that never reads and asks for ever more costs some megabytes; another one misses no row', async () => {
  const { port } = server;
  const cookie = await signIn(port, server.signInUrl());
  const good = createClient(() => socketTransport(port, cookie, []));
  const rows: number[] = [];
  good.subscribe('curves', { run: 'r' }, ({ step }) => void rows.push(...step.data));
  await vi.waitFor(() => expect(rows.length).toBeGreaterThan(5), { timeout: 10_000 });

  const deaf = deafClient(port, cookie, 64);
  await vi.waitFor(() => expect(made.previews).toBeGreaterThan(4), { timeout: 10_000 });
  // What the sockets of both ends hold on their way is full by now.
  await new Promise((done) => setTimeout(done, 1000));
  const full = made.previews;
  await new Promise((done) => setTimeout(done, 500));
  expect(made.previews).toBe(full);
  // 59 streams with credit for 64 MB each were given: 8 MB are kept, and one preview of each stream.
  expect(full).toBeLessThan(100);
  expect(rows).toEqual(rows.map((_, i) => i));
  expect(rows.length).toBeGreaterThan(60);

  // It reads at last: what is sent then is new.
  deaf.resume();
  await vi.waitFor(() => expect(made.previews).toBeGreaterThan(full), { timeout: 10_000 });
  deaf.destroy();
  good.close();
}, 40_000);
