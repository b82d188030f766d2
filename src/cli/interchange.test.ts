import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ndarray } from '@shared/maths/ndarray';
import type { NdArray } from '@shared/maths/ndarray';
import { createEngine } from '../engine/engine';
import { openStore } from '../store';
import { encodeSafetensors, readSafetensors } from '../store/safetensors';
import { temporaryRoot } from '../store/testing/workspace';
import type { Context } from './call';
import { run } from './run';
import { fakeContext } from './testing';

const SCRIPTS = resolve(import.meta.dirname, '../../out/main');

let root: string;
let remove: () => void;
let exported: string;
let first: { run: string; weights_sha256: string };

const real: Partial<Context> = { scripts: SCRIPTS, createEngine };
async function protodiff(more: Partial<Context>, ...args: string[]) {
  const { context, stdout, stderr } = fakeContext({ scripts: SCRIPTS, ...more });
  const code = await run([...args, '--workspace', root], context);
  return { code, out: stdout.text, err: stderr.text };
}
const lastJson = <T>({ out }: { out: string }): T =>
  JSON.parse(out.trim().split('\n').at(-1) ?? '') as T;

beforeAll(async () => {
  ({ root, remove } = temporaryRoot());
  exported = join(root, 'exported');
  first = lastJson(
    await protodiff(real, 'train', '--preset', 'tiny', '--steps', '4', '--seed', '3', '--json'),
  );
}, 120_000);
afterAll(() => remove());

describe('protodiff export', () => {
  it('writes weights, configuration, module and README, from no engine', async () => {
    const { code, out } = await protodiff({}, 'export', 'last', '--out', exported);
    expect(code).toBe(0);
    expect(out).toContain(`${first.run} at step 4: ${exported}`);
    expect(readdirSync(exported).sort()).toEqual([
      'README.md',
      'config.json',
      'protodiff_model.py',
      'weights-ema.safetensors',
      'weights-raw.safetensors',
    ]);
    const config = JSON.parse(readFileSync(join(exported, 'config.json'), 'utf8')) as object;
    expect(config).toMatchObject({
      run: first.run,
      step: 4,
      variant: 'pdm',
      prediction: 'v',
      unet: { block_out_channels: [8, 16], up_block_types: ['AttnUpBlock2D', 'UpBlock2D'] },
      prototype: { k: 4, dim: 16 },
    });
    const raw = readSafetensors(join(exported, 'weights-raw.safetensors')).tensors;
    expect(raw['unet.conv_in.weight']?.shape).toEqual([8, 1, 3, 3]);
    expect(Object.keys(raw).filter((name) => /^(ema|adam)/.test(name))).toEqual([]);
    const ema = readSafetensors(join(exported, 'weights-ema.safetensors')).tensors;
    expect(Object.keys(ema)).toEqual(Object.keys(raw));
    expect(ema['unet.conv_in.weight']?.data).not.toEqual(raw['unet.conv_in.weight']?.data);
  });

  it('writes over nothing, and says so of an unknown format, run or step', async () => {
    const before = readdirSync(exported);
    const again = await protodiff({}, 'export', 'last', '--out', exported);
    expect(again.code).toBe(1);
    expect(again.err).toContain('is there already and not empty');
    expect(readdirSync(exported)).toEqual(before);
    const format = await protodiff({}, 'export', 'last', '--format', 'onnx');
    expect([format.code, format.err]).toEqual([2, expect.stringContaining('no format "onnx"')]);
    const elsewhere = join(root, 'elsewhere');
    const step = await protodiff({}, 'export', 'last', '--checkpoint', '3', '--out', elsewhere);
    expect(step.err).toContain('no checkpoint at step 3');
    expect((await protodiff({}, 'export', 'nobody')).err).toContain('There is no run "nobody"');
    expect(existsSync(elsewhere)).toBe(false);
  });
});

describe('protodiff import', () => {
  const importing = (more: Partial<Context>, file: string, ...rest: string[]) =>
    protodiff(more, 'import', file, '--preset', 'tiny', ...rest);

  it('makes a run that trains on from the very weights', async () => {
    const file = join(exported, 'weights-raw.safetensors');
    const made = lastJson<{ run: string; parameters: number }>(
      await importing(real, file, '--steps', '3', '--set', 'lr=1e-3', '--json'),
    );
    const store = openStore(root, { readonly: true });
    const { summary, events, origin } = store.read(made.run);
    const imported = store.loadCheckpoint(made.run).tensors;
    const before = store.loadCheckpoint(first.run).tensors;
    store.close();
    expect(summary).toMatchObject({ state: 'stopped', step: 0, steps: 3 });
    expect(events.map(({ message }) => message).join()).toContain(file);
    expect(origin.config.knobs.lr).toBe(1e-3);
    for (const name of ['prototype.prototypes', 'unet.conv_in.weight']) {
      expect(imported[name]?.data).toEqual(before[name]?.data);
      expect(imported[`ema.${name}`]?.data).toEqual(before[name]?.data);
    }
    const running = 'prototype.f_phi.encoder.3.running_var';
    expect(imported[running]?.data).toEqual(before[running]?.data);
    const done = lastJson<{ steps: number; state: string; loss_last50: number }>(
      await protodiff(real, 'resume', made.run, '--json'),
    );
    expect(done).toMatchObject({ steps: 3, state: 'finished' });
    expect(done.loss_last50).toBeGreaterThan(0);
  });

  it('lists by name what is missing, extra, misshapen, of another type or not finite', async () => {
    const { tensors } = readSafetensors(join(exported, 'weights-raw.safetensors'));
    const runs = readdirSync(join(root, 'runs'));
    const changed = async (change: (all: Record<string, NdArray>) => void) => {
      const all = { ...tensors };
      change(all);
      const file = join(root, 'changed.safetensors');
      writeFileSync(file, encodeSafetensors(all));
      // No engine is asked for: nothing has begun when the file is refused.
      const { code, err } = await importing({}, file);
      expect(code).toBe(1);
      return err;
    };
    const said = await changed((all) => {
      delete all['unet.conv_out.bias'];
      all['unet.conv_out.scale'] = ndarray(Float32Array.of(1), [1]);
      all['prototype.prototypes'] = ndarray(new Float32Array(5 * 16), [5, 16]);
      all['unet.conv_norm_out.bias'] = ndarray(new Int32Array(8), [8]);
    });
    expect(said).toContain('missing: unet.conv_out.bias');
    expect(said).toContain('beyond what the model has: unet.conv_out.scale');
    expect(said).toContain('of another shape: prototype.prototypes [5, 16] instead of [4, 16]');
    expect(said).toContain('of another type: unet.conv_norm_out.bias (i32 instead of f32)');
    expect(said).toContain('Give --preset');
    const spoilt = await changed((all) => {
      all['unet.conv_in.bias'] = ndarray(new Float32Array(8).fill(NaN, 3, 4), [8]);
    });
    expect(spoilt).toContain('with values that are not finite: unet.conv_in.bias');
    expect(readdirSync(join(root, 'runs'))).toEqual(runs);
  });

  it('refuses a file that is none, a missing preset and images that do not fit, before a run is made', async () => {
    const runs = readdirSync(join(root, 'runs'));
    const none = await importing({}, join(root, 'none.safetensors'));
    expect(none.err).toContain('There is no file');
    const text = join(root, 'text.safetensors');
    writeFileSync(text, 'these are no tensors');
    expect((await importing({}, text)).err).toContain('not a whole safetensors file');
    expect((await protodiff({}, 'import', text)).err).toContain('import needs --preset');
    const empty = join(root, 'empty');
    mkdirSync(empty);
    const file = join(exported, 'weights-raw.safetensors');
    const unfit = await importing(real, file, '--data', empty, '--set', 'data.channels=1');
    expect(unfit.code).toBe(1);
    expect(readdirSync(join(root, 'runs'))).toEqual(runs);
  });
});
