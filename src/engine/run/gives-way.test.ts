import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, it, vi } from 'vitest';
import { openStore } from '../../store';
import { loadBackend } from '../backend';
import { openFresh } from './open';
import { config, created, dataset, go } from './testing';

const root = mkdtempSync(join(tmpdir(), 'protodiff-way-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

it('makes neither steps nor pictures while a page loads, and goes on after that', async () => {
  const store = openStore(root);
  const session = go(openFresh(config, dataset, await loadBackend(), created(store)));
  session.giveWay(10_000);
  // Jobs move by themselves where no steps follow each other, as in a validation and while paused.
  session.pause();
  expect(session.holdsJobs).toBe(true);
  session.resume();
  await sleep(500);
  expect(session.step).toBe(0);
  session.giveWay(0);
  await vi.waitFor(() => expect(session.step).toBeGreaterThan(0), 30_000);
  session.pause();
  expect(session.holdsJobs).toBe(false);
  await session.stop();
  store.close();
});
