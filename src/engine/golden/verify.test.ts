import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import * as tf from '@tensorflow/tfjs';
import { loadBackend } from '../backend';
import { verifyGolden } from './verify';

const PACK = join(import.meta.dirname, 'testing', 'pack-a');

describe('parity with the reference', () => {
  beforeAll(async () => {
    await loadBackend();
  });

  const rows = (): ReturnType<typeof verifyGolden> => verifyGolden(PACK);

  it('holds for every stored quantity, and leaks no tensor', () => {
    const before = tf.memory().numTensors;
    const all = rows();
    expect(all.filter((row) => row.ok === false)).toEqual([]);
    const held = all.filter((row) => row.ok === true).map((row) => row.quantity);
    expect(held.length).toBeGreaterThan(70);
    for (const name of [
      'betas',
      'alphas_cumprod',
      'forward.x_t',
      'forward.f_phi',
      'forward.eps',
      'loss.pdm.total',
      'loss.spdm.total',
      'gradients.pdm',
      'adamw.after5',
      'batch_norm.after',
      'sample.ddpm_full',
      'sample.ddim',
      'sample.dpmpp2m',
    ]) {
      expect(held).toContain(name);
    }
    expect(tf.memory().numTensors).toBe(before);
  });

  it('names the file that is missing from a folder that is no pack', () => {
    const dir = mkdtempSync(join(tmpdir(), 'protodiff-pack-'));
    try {
      expect(() => verifyGolden(dir)).toThrow(/config\.json cannot be used/);
      writeFileSync(join(dir, 'config.json'), '{"pack": 3}');
      expect(() => verifyGolden(dir)).toThrow(/config\.json cannot be used[^]*pack/);
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
});
