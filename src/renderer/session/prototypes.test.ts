import { createClient } from '@shared/protocol/client';
import { memoryPair } from '@shared/protocol/memory-transport';
import { serve } from '@shared/protocol/server';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { FakeService } from '../dev/fake-service';
import { ExemplarsController, EXEMPLARS } from './exemplars.svelte';
import { PrototypesController } from './prototypes.svelte';

const open: { close(): void }[] = [];
afterEach(() => open.splice(0).forEach((each) => each.close()));

function runAt(step: number) {
  const service = new FakeService();
  const run = service.seed(step);
  const client = createClient(() => {
    const [near, far] = memoryPair();
    serve(service, far);
    return Promise.resolve(near);
  });
  const prototypes = new PrototypesController(client, run.id);
  prototypes.open();
  open.push(prototypes, client);
  return { service, run, client, prototypes };
}

describe('PrototypesController', () => {
  it('has every snapshot and the probe images come once somebody looks, and shows the newest', async () => {
    const { prototypes } = runAt(200);
    expect(prototypes.count).toBe(0);
    prototypes.watch();
    await vi.waitFor(() => expect(prototypes.count).toBe(5));
    expect([prototypes.shown?.step, prototypes.live]).toEqual([200, true]);
    // Those that came in a burst changed it once.
    expect(prototypes.version).toBeLessThan(5);
    await vi.waitFor(() => expect(prototypes.probe?.images.shape[0]).toBe(384));
  });

  it('stays at a chosen place while more arrives, and follows from the last one', async () => {
    const { prototypes, run, service } = runAt(200);
    prototypes.watch();
    await vi.waitFor(() => expect(prototypes.count).toBe(5));
    prototypes.choose(1);
    expect([prototypes.shown?.step, prototypes.live]).toEqual([50, false]);
    run.advance(100);
    await service.request('run.sample', { run: run.id });
    await vi.waitFor(() => expect(prototypes.count).toBe(7));
    expect(prototypes.shown?.step).toBe(50);
    prototypes.choose(99);
    expect([prototypes.shown?.step, prototypes.live]).toEqual([300, true]);
    prototypes.choose(-5);
    expect(prototypes.shown?.step).toBe(0);
  });

  it('keeps names and colours with the run, and takes back what was refused', async () => {
    const { prototypes, client } = runAt(100);
    expect([prototypes.nameOf(2), prototypes.colourOf(2)]).toEqual(['', 2]);
    await prototypes.label(2, { name: 'loops' });
    await prototypes.label(2, { colour: 7 });
    expect([prototypes.nameOf(2), prototypes.colourOf(2)]).toEqual(['loops', 7]);
    await prototypes.label(2, { colour: 99 });
    expect(prototypes.colourOf(2)).toBe(7);
    expect(prototypes.error?.code).toBe('bad_message');
    const other = new PrototypesController(client, '20260101-101010-brisk-heron');
    other.open();
    open.push(other);
    await vi.waitFor(() => expect(other.nameOf(2)).toBe('loops'));
  });

  it('picks one prototype, and lets go of it', () => {
    const { choice } = runAt(50).prototypes;
    choice.toggle(3);
    expect([choice.is(3), choice.is(2)]).toEqual([true, false]);
    choice.choose(3);
    choice.toggle(3);
    expect(choice.prototype).toBeUndefined();
  });
});

describe('ExemplarsController', () => {
  it('tells how far it is, keeps what was found, and can be given up', async () => {
    const { client, run, service } = runAt(100);
    service.begin();
    const exemplars = new ExemplarsController(client, run.id);
    expect(exemplars.untouched).toBe(true);
    exemplars.begin();
    expect([exemplars.untouched, exemplars.working]).toEqual([false, true]);
    exemplars.cancel();
    expect(exemplars.working).toBe(false);
    exemplars.begin();
    await vi.waitFor(() => expect(exemplars.found).toBeDefined(), { timeout: 10_000 });
    expect(exemplars.working).toBe(false);
    expect(exemplars.found?.index.shape).toEqual([10, EXEMPLARS]);
  });
});
