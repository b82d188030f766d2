import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statfsSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { openStore } from '../../store';
import { loadBackend } from '../backend';
import { openFresh } from './open';
import type { OpenRun } from './open';
import { config, created, dataset, go, plan, traceOf } from './testing';

const root = mkdtempSync(join(tmpdir(), 'protodiff-full-'));
const small = join(root, 'small');
const mounted = mount();
afterAll(() => {
  // Lazily: the driver closes a database when its statements have been collected.
  if (mounted) execFileSync('umount', ['--lazy', small]);
  rmSync(root, { recursive: true, force: true });
});

/** A file system of 24 MB of its own, where this user may make one. */
function mount(): boolean {
  mkdirSync(small);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', small], { stdio: 'pipe' });
    return true;
  } catch (error) {
    console.warn(
      `No small disk can be mounted here, so a full one is not tested: ${String(error)}`,
    );
    return false;
  }
}

const filler = join(small, 'filler');
/** Leaves `bytes` of free space. */
function fill(bytes: number): void {
  const { bavail, bsize } = statfsSync(small);
  writeFileSync(filler, new Uint8Array(Math.max(0, bavail * bsize - bytes)));
}

it.skipIf(!mounted).each([
  ['for a checkpoint', 200_000],
  ['for a single row', 0],
])(
  'a disk without room %s pauses the run, which goes on to the same bits once there is room',
  async (_, left) => {
    const backend = await loadBackend();
    const opened = (writer: OpenRun['writer']): OpenRun =>
      openFresh(config, dataset, backend, writer, plan);
    const straight = openStore(join(root, `straight-${left}`));
    const whole = created(straight);
    expect(await go(opened(whole)).ended).toBe('finished');
    const expected = traceOf(straight, whole.run);
    straight.close();

    const store = openStore(join(small, 'workspace'));
    const writer = created(store);
    const told: string[] = [];
    const session = go(opened(writer), (_level, message, remedy) =>
      told.push(`${message} ${remedy}`),
    );
    const turn = (): Promise<void> => new Promise((done) => setImmediate(done));
    while (session.step < 10) await turn();
    fill(left);
    while (told.length === 0) await turn();
    expect(told[0]).toMatch(/^Paused\. .*(free space|disk is full).* Free some space/);
    const stopped = session.step;
    expect(stopped).toBeLessThan(config.training.steps);
    expect(session.activity().phase).toBe('paused');
    // Longer than a heartbeat, which has no room either: told once, and what is there reads well.
    await new Promise((done) => setTimeout(done, 2500));
    expect(session.step).toBe(stopped);
    expect(told).toHaveLength(1);
    expect(store.list()).toHaveLength(1);
    expect(store.loadCheckpoint(writer.run).step).toBeLessThanOrEqual(stopped);
    if (left === 0) expect(() => session.resume()).toThrow(/disk is full/);
    expect(session.activity().phase).toBe('paused');

    unlinkSync(filler);
    session.resume();
    expect(await session.ended).toBe('finished');
    expect(traceOf(store, writer.run)).toEqual(expected);
    store.close();
    rmSync(join(small, 'workspace'), { recursive: true });
  },
  120_000,
);
