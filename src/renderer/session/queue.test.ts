import { configFor } from '@shared/config/presets';
import { expandSweep, parseAxis } from '@shared/config/sweep';
import { createClient } from '@shared/protocol/client';
import { memoryPair } from '@shared/protocol/memory-transport';
import { serve } from '@shared/protocol/server';
import { afterEach, expect, it, vi } from 'vitest';
import { FakeService } from '../dev/fake-service';
import { jobWords } from './queue.svelte';
import { Session } from './session.svelte';

const config = configFor('quick', { kind: 'digits' });
const open: { close(): void }[] = [];
afterEach(() => open.splice(0).forEach((each) => each.close()));

async function withNotebook(): Promise<Session> {
  const client = createClient(() => {
    const [near, far] = memoryPair();
    serve(new FakeService(), far);
    return Promise.resolve(near);
  });
  open.push(client);
  const session = new Session(
    { client, onHost: () => undefined, restart: () => undefined },
    undefined,
  );
  await session.begin();
  await session.begun('Digits', config, 'note', false);
  return session;
}

it('adds what the notebook says, moves and removes it, and takes that back', async () => {
  const session = await withNotebook();
  const { queue } = session;
  await queue.add('train');
  session.notebook.update('train', 'train', (cell) => ({ ...cell, seed: 5 }));
  await queue.addSweep('train', expandSweep(config, [parseAxis('lr=1e-3,2e-3')]).runs);
  await vi.waitFor(() => expect(queue.waiting.map(({ job }) => job)).toEqual([1, 2, 3]));
  expect(queue.jobs.map(jobWords)).toEqual(['quick, digits, 800 steps', 'lr 0.001', 'lr 0.002']);
  expect(queue.jobs[0]?.asked).toEqual({ by: 'notebook', notebook: 'Digits', cell: 'train' });
  await queue.move(1, 1);
  await vi.waitFor(() => expect(queue.waiting.map(({ job }) => job)).toEqual([2, 1, 3]));
  await queue.move(3, -1);
  await vi.waitFor(() => expect(queue.waiting.map(({ job }) => job)).toEqual([2, 3, 1]));
  await queue.move(2, -1); // it is the first already
  await queue.remove([3]);
  await vi.waitFor(() => expect(queue.waiting.map(({ job }) => job)).toEqual([2, 1]));
  session.document.notice?.act?.run();
  await vi.waitFor(() => expect(queue.waiting.map(({ job }) => job)).toEqual([2, 3, 1]));
  expect(session.error).toBeUndefined();
});

it('opens the runs of a sweep in a new compare cell', async () => {
  const session = await withNotebook();
  const before = session.document.cells.length;
  session.queue.compare(['run-a', 'run-b']);
  expect(session.document.cells).toHaveLength(before + 1);
  expect(session.document.cells.at(-1)).toMatchObject({
    ...{ kind: 'compare', runs: ['run-a', 'run-b'] },
  });
});
