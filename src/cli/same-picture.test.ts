import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { build } from 'vite';
import { alike, SamplerNameSchema } from '@shared/config/sampling-rows';
import type { SheetPlan } from '@shared/config/sampling-rows';
import { createClient } from '@shared/protocol/client';
import type { Client } from '@shared/protocol/client';
import type { SubscriptionEvent } from '@shared/protocol/contract';
import { createEngine } from '../engine/engine';
import type { Engine } from '../engine/engine';
import { forkChild } from '../serve/fork-child';
import { startServer } from '../serve/server';
import type { RunningServer } from '../serve/server';
import { fakePage, signIn, socketTransport } from '../serve/testing';
import { decodeSheet } from '../store/sample-sheet';
import type { Context } from './call';
import { run as protodiff } from './run';
import { fakeContext } from './testing';

const ROOT = resolve(import.meta.dirname, '../..');
const RESOURCES = join(ROOT, 'resources');
// Beside the installed packages, which the engine loads.
const built = mkdtempSync(join(ROOT, 'node_modules/.protodiff-same-picture-'));
const workspace = mkdtempSync(join(tmpdir(), 'protodiff-same-picture-'));
const entry = join(built, 'engine.cjs');

let engine: Engine;
let server: RunningServer;
let client: Client;
let run: string;
const context: Partial<Context> = { scripts: join(ROOT, 'out/main'), createEngine };

async function verb(...args: string[]): Promise<string> {
  const { context: full, stdout, stderr } = fakeContext(context);
  const code = await protodiff([...args, '--workspace', workspace], full);
  if (code !== 0) throw new Error(stderr.text);
  return stdout.text.trim().split('\n').at(-1) ?? '';
}

const page = fakePage(afterAll);
beforeAll(async () => {
  await build({
    root: ROOT,
    configFile: false,
    logLevel: 'error',
    resolve: { alias: { '@shared': join(ROOT, 'src/shared') } },
    ssr: {
      noExternal: true,
      external: ['libsql', '@tensorflow/tfjs', '@tensorflow/tfjs-node-gpu'],
    },
    build: {
      ssr: true,
      target: 'node16',
      outDir: built,
      rollupOptions: {
        input: { engine: join(ROOT, 'src/engine/process.ts') },
        external: [/^@tensorflow\//, 'libsql', /^sharp/],
        output: { format: 'cjs', entryFileNames: '[name].cjs' },
      },
    },
  });
  const trained = await verb('train', '--preset', 'tiny', '--steps', '6', '--json');
  ({ run } = JSON.parse(trained) as { run: string });
  const common = { workspace, resources: RESOURCES, appVersion: 'test' };
  engine = await createEngine({ ...common, importerEntry: 'none' });
  server = await startServer({
    ...{ page, workspace, resources: RESOURCES, importer: 'none', version: 'test' },
    ...{ engineEntry: entry, port: 0 },
    fork: (env) =>
      forkChild(entry, {
        PROTODIFF_WORKSPACE: workspace,
        PROTODIFF_RESOURCES: RESOURCES,
        PROTODIFF_IMPORTER: 'none',
        ...env,
      }),
  });
  const cookie = await signIn(server.port, server.signInUrl());
  client = createClient(() => socketTransport(server.port, cookie, []));
}, 120_000);

afterAll(async () => {
  client.close();
  await server.close();
  await engine.close();
  rmSync(workspace, { recursive: true, force: true });
  rmSync(built, { recursive: true, force: true });
});

type Sheet = SubscriptionEvent<'sheet'>;
type Plan = SheetPlan & { run: string };

/** The one image of a sheet, by the engine of this process. */
async function here(plan: Plan): Promise<Uint8Array> {
  const source = engine.subscribe('sheet', plan, () => undefined);
  try {
    for (;;) {
      const event = source.pull() as Sheet | undefined;
      if (event && event.images.data.length > 0) return event.images.data.slice();
      await new Promise((done) => setTimeout(done, 2));
    }
  } finally {
    source.close();
  }
}

/** The same by the served host, whose engine is another process, over its socket. */
function served(plan: Plan): Promise<Uint8Array> {
  return new Promise((done, onError) => {
    const end = client.subscribe(
      'sheet',
      plan,
      ({ images }) => {
        if (images.data.length === 0) return;
        done(images.data.slice());
        setImmediate(() => end());
      },
      { onError },
    );
  });
}

/** The same by `protodiff sample`: the first of its pictures, which starts from the seed itself. */
async function byVerb({ sampler, seed, steps, eta, columns }: Plan): Promise<Uint8Array> {
  const file = join(workspace, 'pictures.png');
  const settings = { sampler, seed, steps, eta, prototype: columns[0]?.[0]?.prototype, count: 4 };
  const flags = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]);
  await verb('sample', run, ...flags, '--out', file);
  const { images } = decodeSheet(readFileSync(file));
  return images.data.slice(0, images.data.length / settings.count);
}

const settings = fc.record({
  seed: fc.integer({ min: 0, max: 0xffffffff }),
  steps: fc.integer({ min: 2, max: 6 }),
  eta: fc.constantFrom(0, 0.5, 1),
  prototype: fc.integer({ min: 0, max: 3 }),
});

// On the CPU: a GPU may add in another order each time.
it('one seed gives the same bytes here, in the served host’s process and by protodiff sample', async () => {
  const seen = new Set<string>();
  for (const sampler of SamplerNameSchema.options) {
    await fc.assert(
      fc.asyncProperty(settings, async ({ prototype, ...of }) => {
        const source = { weights: 'ema', checkpoint: null, guidance: 1 } as const;
        const plan: Plan = { ...of, ...source, run, sampler, rows: 1, columns: [alike(prototype)] };
        const picture = Buffer.from(await byVerb(plan));
        expect(picture.equals(await here(plan))).toBe(true);
        expect(picture.equals(await served(plan))).toBe(true);
        seen.add(picture.toString('base64'));
      }),
      { numRuns: 2 },
    );
  }
  // Else a picture that is always the same would pass.
  expect(seen.size).toBeGreaterThan(5);
}, 180_000);
