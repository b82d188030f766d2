import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NdArray } from '@shared/maths/ndarray';
import { run } from '../src/cli/run';
import { fakeContext } from '../src/cli/testing';
import { createEngine } from '../src/engine/engine';
import { largest, maxAbs } from '../src/engine/golden/compare';
import { weightsOf } from '../src/engine/run/stored';
import { openStore } from '../src/store';
import { encodeSafetensors, readSafetensors } from '../src/store/safetensors';
import { MEMBERS } from './members';
import { inputsFor, outputsOf } from './ours';
import { runJobs } from './torch';
import type { Job } from './torch';

/** Of eps, in design and in the reference's own table; of pictures, of the largest value. */
const EPS = 5e-5;
const PICTURE = 1e-3;
const SCRIPTS = resolve(import.meta.dirname, '../out/main');

const root = mkdtempSync(join(tmpdir(), 'protodiff-interchange-'));
const names = Object.keys(MEMBERS);
const at = (name: string, file: string): string => join(root, `${names.indexOf(name)}-${file}`);

async function protodiff<T>(...args: string[]): Promise<T> {
  const { context, stdout, stderr } = fakeContext({ scripts: SCRIPTS, createEngine });
  const code = await run([...args, '--workspace', root, '--json'], context);
  if (code !== 0) throw new Error(`protodiff ${args.join(' ')} ended with ${code}: ${stderr.text}`);
  return JSON.parse(stdout.text.trim().split('\n').at(-1) ?? '') as T;
}

const settingsOf = (name: string): string[] => [
  ...['--preset', 'tiny', '--steps', '6', '--batch', '4'],
  ...(MEMBERS[name] ?? []).flatMap((setting) => ['--set', setting]),
];

interface Compared {
  ours: Record<string, NdArray>;
  theirs: Record<string, NdArray>;
}

/** Ours from the newest checkpoint of a run, theirs as run_model.py left it in `out`. */
async function compared(
  name: string,
  id: string,
  kind: 'ema' | 'raw',
  out: string,
): Promise<Compared> {
  const store = openStore(root, { readonly: true });
  try {
    const { config, weights } = weightsOf(store, id, kind);
    const inputs = readSafetensors(at(name, 'inputs.safetensors')).tensors;
    return {
      ours: await outputsOf(config, weights, inputs),
      theirs: readSafetensors(out).tensors,
    };
  } finally {
    store.close();
  }
}

function hold(what: string, { ours, theirs }: Compared): void {
  expect(Object.keys(ours).sort()).toEqual(Object.keys(theirs).sort());
  const figures = Object.entries(ours).map(([name, value]) => {
    const other = theirs[name];
    expect(other?.shape).toEqual(value.shape);
    const scale = name === 'picture' ? largest(other?.data ?? []) : 1;
    const figure = maxAbs(value.data, other?.data ?? []) / scale;
    return { name, figure, holds: figure <= (name === 'picture' ? PICTURE : EPS) };
  });
  const words = figures.map(({ name, figure }) => `${name} ${figure.toExponential(1)}`);
  console.log(`${what.padEnd(40)} ${words.join(', ')}`);
  expect(figures.filter(({ holds }) => !holds)).toEqual([]);
}

const runs = new Map<string, string>();

beforeAll(async () => {
  const jobs: Job[] = [];
  for (const name of names) {
    const folder = at(name, 'exported');
    const { run: id } = await protodiff<{ run: string }>('train', ...settingsOf(name));
    await protodiff('export', id, '--out', folder);
    runs.set(name, id);
    const store = openStore(root, { readonly: true });
    const { config } = store.read(id).origin;
    store.close();
    const inputs = at(name, 'inputs.safetensors');
    writeFileSync(inputs, encodeSafetensors(inputsFor(config)));
    const fresh = at(name, 'fresh.safetensors');
    const out = (kind: string): string => at(name, `${kind}-out.safetensors`);
    jobs.push(
      { do: 'eps', folder, weights: 'ema', inputs, out: out('ema') },
      { do: 'eps', folder, weights: 'raw', inputs, out: out('raw') },
      { do: 'fresh', folder, out: fresh, seed: 7 },
      { do: 'eps', folder, weights: fresh, inputs, out: out('fresh') },
    );
  }
  runJobs(root, jobs);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe.each(names)('%s', (name) => {
  it('trained here gives the same eps and the same pictures in PyTorch', async () => {
    const id = runs.get(name) ?? '';
    for (const kind of ['ema', 'raw'] as const) {
      const out = at(name, `${kind}-out.safetensors`);
      hold(`${name}, ${kind}: to PyTorch`, await compared(name, id, kind, out));
    }
  });

  it('made in PyTorch gives the same here, and trains on', async () => {
    const fresh = at(name, 'fresh.safetensors');
    const { run: id } = await protodiff<{ run: string }>('import', fresh, ...settingsOf(name));
    const out = at(name, 'fresh-out.safetensors');
    hold(`${name}: from PyTorch`, await compared(name, id, 'raw', out));
    const after = await protodiff<{ steps: number; loss_last50: number }>('resume', id);
    expect(after.steps).toBe(6);
    expect(Number.isFinite(after.loss_last50)).toBe(true);
  });
});
