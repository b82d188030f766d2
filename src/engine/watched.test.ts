import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { build } from 'vite';
import { configFor } from '@shared/config/presets';
import { prototypeRows } from '@shared/config/sampling-rows';
import { createClient } from '@shared/protocol/client';
import type { Client } from '@shared/protocol/client';
import { memoryPair } from '@shared/protocol/memory-transport';
import { serve } from '@shared/protocol/server';
import type { Service } from '@shared/protocol/service';
import { createEngine } from './engine';

/** Watching changes nothing: neither windows, nor what they do with the buffers they are given. */
const STEPS = 30;
const root = resolve(import.meta.dirname, '../..');
// Beside the packages, which a script that is built there finds.
const scratch = mkdtempSync(join(root, 'node_modules/.cache/watched-'));
const workspace = mkdtempSync(join(tmpdir(), 'protodiff-watched-'));
const engine = await createEngine({
  workspace,
  ...{ resources: join(root, 'resources'), importerEntry: '', appVersion: '0' },
});
afterAll(async () => {
  await engine.close();
  for (const folder of [workspace, scratch]) rmSync(folder, { recursive: true, force: true });
});

const config = configFor('tiny', { kind: 'digits' });
config.training = { ...config.training, steps: STEPS };
const signal = new AbortController().signal;

function windowOn(service: Service): Client {
  return createClient(() => {
    const [near, far] = memoryPair();
    serve(service, far);
    return Promise.resolve(near);
  });
}

/** Trains a run, each window following all of it and asking for pictures; the hash of its weights. */
async function trained(...services: Service[]): Promise<string> {
  const windows = services.map(windowOn);
  const given = structuredClone(config);
  const asked = services[0]?.request('run.start', { config: given }, signal);
  const { run } = await (asked ?? engine.request('run.start', { config: given }, signal));
  // As where a window loads.
  if (windows.length > 0) engine.giveWay(100);
  const heard = { events: 0 };
  for (const window of windows) {
    const on = (): void => void (heard.events += 1);
    window.subscribe('status', {}, on);
    window.subscribe('runs', {}, on);
    for (const name of ['curves', 'journal', 'samples', 'prototypes'] as const) {
      window.subscribe(name, { run }, on);
    }
    window.subscribe(
      'trajectory',
      { run, rows: prototypeRows(1, 'ddim', 2), columns: 2, seed: 0, steps: 2, eta: 0 },
      on,
    );
  }
  for (;;) {
    const { summary } = await engine.request('run.get', { run }, signal);
    if (summary.state === 'finished') break;
    expect(summary.problem).toBeNull();
    for (const window of windows) await window.request('data.describe', { data: config.data });
    await new Promise((done) => setTimeout(done, 10));
  }
  if (windows.length > 0) expect(heard.events).toBeGreaterThan(windows.length);
  for (const window of windows) window.close();
  return engine.weightsSha256(run);
}

/** Every typed array in a value. */
function buffersIn(value: unknown): Uint8Array[] {
  if (ArrayBuffer.isView(value)) {
    return [new Uint8Array(value.buffer, value.byteOffset, value.byteLength)];
  }
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(buffersIn) : [];
}

/** A service whose every answer and event is overwritten as soon as a copy has been taken. */
function spoiling(service: Service, spoilt: { buffers: number }): Service {
  const spoil = <T>(value: T): T => {
    const copy = structuredClone(value);
    for (const bytes of buffersIn(value)) {
      bytes.fill(77);
      spoilt.buffers += 1;
    }
    return copy;
  };
  return {
    async request(name, input, of) {
      const answer = spoil(await service.request(name, input, of));
      // The configuration was handed over too: what becomes of it is no matter.
      if (name === 'run.start') Object.assign(input, { config: undefined });
      return answer;
    },
    subscribe(name, input, changed) {
      const source = service.subscribe(name, input, changed);
      return { pull: () => spoil(source.pull()), close: () => source.close() } as typeof source;
    },
  };
}

describe('a run has the same bits', () => {
  let alone: Promise<string> | undefined;
  const unwatched = (): Promise<string> => (alone ??= trained());

  it('with no window, with one and with two', async () => {
    const expected = await unwatched();
    expect(await trained(engine)).toBe(expected);
    expect(await trained(engine, engine)).toBe(expected);
  }, 240_000);

  it('when every buffer that the engine gives away is overwritten', async () => {
    const before = await engine.request('data.describe', { data: config.data }, signal);
    const kept = structuredClone(before);
    const spoilt = { buffers: 0 };
    expect(await trained(spoiling(engine, spoilt))).toBe(await unwatched());
    expect(spoilt.buffers).toBeGreaterThan(20);
    expect(await engine.request('data.describe', { data: config.data }, signal)).toEqual(kept);
  }, 240_000);

  it('in two processes', async () => {
    await build({
      ...{ root, configFile: false, logLevel: 'error', ssr: { noExternal: true } },
      resolve: { alias: { '@shared': join(root, 'src/shared') } },
      build: {
        ...{ ssr: true, target: 'node20', outDir: scratch },
        rollupOptions: {
          input: { child: join(root, 'src/engine/testing/sha-child.ts') },
          external: [/^@tensorflow\//, 'libsql', 'sharp', /^node:/],
          output: { format: 'cjs', entryFileNames: '[name].cjs' },
        },
      },
    });
    const other = mkdtempSync(join(tmpdir(), 'protodiff-other-'));
    const args = [join(scratch, 'child.cjs'), other, join(root, 'resources'), String(STEPS)];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    rmSync(other, { recursive: true, force: true });
    expect(stdout).toBe(await unwatched());
  }, 240_000);
});
