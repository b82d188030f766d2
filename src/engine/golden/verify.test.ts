import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import * as tf from '@tensorflow/tfjs';
import { ndarray } from '@shared/maths/ndarray';
import { encodeSafetensors, readSafetensors } from '../../store/safetensors';
import { loadBackend } from '../backend';
import { verifyGolden } from './verify';

const packOf = (name: string): string => join(import.meta.dirname, 'testing', name);

beforeAll(async () => {
  await loadBackend();
});

describe('parity with the reference', () => {
  it.each([
    ['pack-a', 100, ['lr_schedule.reference', 'gradients.spdm']],
    // Other widths, image size, channels, K, table of times, chain, weights of the loss, rate; s-PDM
    // first; intermediates of one image of the batch. See interchange/make_pack.py.
    ['pack-small', 90, ['sample.ddim_eta']],
  ])('holds for every quantity stored in %s, and leaks no tensor', (name, least, own) => {
    const before = tf.memory().numTensors;
    const rows = verifyGolden(packOf(name));
    expect(rows.filter((row) => row.ok === false)).toEqual([]);
    const held = rows.filter((row) => row.ok === true).map((row) => row.quantity);
    expect(held.length).toBeGreaterThan(least);
    const { variant } = JSON.parse(readFileSync(join(packOf(name), 'config.json'), 'utf8')) as {
      variant: string;
    };
    for (const quantity of [
      'betas',
      'alphas_cumprod',
      'forward.x_t',
      'forward.f_phi',
      'forward.unet.mid_block',
      'forward.eps',
      'loss.pdm.total',
      'loss.spdm.total',
      `gradients.${variant}`,
      'batch_norm.after',
      'adamw.pdm.total',
      'adamw.spdm.total',
      `adamw.${variant}.after5`,
      `adamw.${variant}.after5.running_var`,
      'adamw.scheduled.lr',
      'sample.ddpm_full',
      'sample.ddpm_full.image',
      'sample.ddim.timesteps',
      'sample.dpmpp2m.eps',
      ...own,
    ]) {
      expect(held).toContain(quantity);
    }
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('a pack', () => {
  let dir: string;
  /** Sets values in a JSON file of the pack by their paths. */
  const edit = (file: string, values: Record<string, unknown>): void => {
    const text = readFileSync(join(dir, file), 'utf8').replace(/-?Infinity/g, 'null');
    const json = JSON.parse(text) as Record<string, unknown>;
    for (const [path, value] of Object.entries(values)) {
      const keys = path.split('.');
      const last = keys.pop() ?? '';
      let place = json;
      for (const key of keys) place = place[key] as Record<string, unknown>;
      place[last] = value;
    }
    writeFileSync(join(dir, file), JSON.stringify(json));
  };
  const only = (...files: string[]): void => {
    for (const file of files) cpSync(join(packOf('pack-small'), file), join(dir, file));
  };
  /** Whether a quantity's rows hold, its parts included. */
  const verdicts = (): ((quantity: string) => (boolean | null)[]) => {
    const rows = verifyGolden(dir);
    return (quantity) =>
      rows
        .filter((row) => row.quantity === quantity || row.quantity.startsWith(`${quantity}.`))
        .map(({ ok }) => ok);
  };

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'protodiff-pack-'));
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  it('lists what it does not hold, which counts as nothing', () => {
    only('config.json');
    expect(verifyGolden(dir).map(({ ok }) => ok)).toEqual([null]);
    only('weights.safetensors', 'forward.safetensors');
    const rows = verifyGolden(dir);
    expect(rows.filter(({ ok }) => ok === false)).toEqual([]);
    const absent = rows.filter(({ ok }) => ok === null).map(({ quantity }) => quantity);
    expect(absent).toEqual(
      expect.arrayContaining(['betas', 'alt-forward', 'loss.pdm.total', 'adamw', 'sample']),
    );
    expect(rows.filter(({ ok }) => ok === true).map(({ quantity }) => quantity)).toContain(
      'forward.eps',
    );
  });

  it('without the other variant, labels, its own samplers or known round-off is compared in the rest', () => {
    cpSync(packOf('pack-small'), dir, { recursive: true });
    rmSync(join(dir, 'keys.json'));
    rmSync(join(dir, 'sample.json'));
    edit('config.json', { variant: 'pdm', alt_variant: null, ddpm_full: null });
    const json = (file: string): object =>
      JSON.parse(readFileSync(join(dir, file), 'utf8')) as object;
    edit('loss.json', { ...(json('loss.json') as { alt: object }).alt });
    edit('step.json', { ...(json('step.json') as { alt: object }).alt, scheduled: null });
    const { tensors } = readSafetensors(join(dir, 'forward.safetensors'));
    const { labels: _labels, ...rest } = tensors;
    writeFileSync(join(dir, 'forward.safetensors'), encodeSafetensors(rest));
    const oksOf = verdicts();
    expect(oksOf('loss.pdm.total')).toEqual([true]);
    expect(oksOf('loss.spdm')).toEqual([]);
    expect(oksOf('adamw.scheduled')).toEqual([null]);
    expect(oksOf('sample.ddpm_full')).toEqual([null]);
    expect(oksOf('sample.ddim_eta')).toEqual([null]);
    expect(oksOf('sample.ddim')).toEqual([true, true, true]);
  });

  it('of other numbers differs, and one tensor that does not fit spoils its section alone', () => {
    cpSync(packOf('pack-small'), dir, { recursive: true });
    edit('loss.json', { total: 3 });
    edit('sample.json', {
      'ddim.config.timestep_spacing': 'trailing',
      'dpmpp2m.config.beta_end': 0.03,
    });
    const { tensors } = readSafetensors(join(dir, 'forward.safetensors'));
    const half = ndarray(new Float32Array(2 * 8 * 16), [2, 1, 8, 16]);
    writeFileSync(join(dir, 'alt-forward.safetensors'), encodeSafetensors({ eps: half }));
    let oksOf = verdicts();
    expect(oksOf('loss.spdm.total')).toEqual([false]);
    expect(oksOf('sample.ddim')).toEqual([null]);
    expect(oksOf('sample.dpmpp2m')).toEqual([true, false, false]);
    expect(oksOf('alt-forward')).toEqual([false]);
    writeFileSync(join(dir, 'forward.safetensors'), encodeSafetensors({ ...tensors, x0: half }));
    oksOf = verdicts();
    expect(oksOf('forward')).toEqual([false]);
    expect(oksOf('sample.ddpm_strided')).toEqual([true, true, true, true]);
  });

  it.each([
    ['another activation', 'unet.act_fn', 'gelu', /unet\.act_fn/],
    ['widths and groups', 'unet.norm_num_groups', 5, /8 is not divisible by norm_num_groups 5/],
    ['dim', 'prototype.dim', 12, /12 must be the last of block_out_channels, 16/],
    ['up blocks', 'unet.up_block_types', [], /same levels/],
    ['K', 'prototype.k', null, /prototype\.k/],
  ])('whose config.json has %s of another kind is refused by name', (_, path, value, message) => {
    only('config.json');
    edit('config.json', { [path]: value });
    expect(() => verifyGolden(dir)).toThrow(message);
  });

  it('names what is missing of a folder that is none, and weights of another model', () => {
    expect(() => verifyGolden(join(dir, 'none'))).toThrow(/There is no folder/);
    expect(() => verifyGolden(dir)).toThrow(/config\.json cannot be used/);
    only('config.json', 'weights.safetensors');
    edit('config.json', { 'prototype.k': 4 });
    expect(() => verifyGolden(dir)).toThrow(/prototype\.prototypes is \[3, 16\]/);
  });
});
