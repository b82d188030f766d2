import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { encode } from 'fast-png';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEngine } from '../engine/engine';
import { buildEntry } from '../importer/built-entry';
import { temporaryRoot } from '../store/testing/workspace';
import type { Context } from './call';
import { run } from './run';
import { fakeContext } from './testing';

let root: string;
let remove: () => void;
let real: Partial<Context>;

/** A folder of 24 images without classes. */
const flat = (): string => join(root, 'flat');

beforeAll(async () => {
  ({ root, remove } = temporaryRoot());
  mkdirSync(flat());
  for (let i = 0; i < 24; i++) {
    const data = new Uint8Array(16 * 16).fill(i * 10);
    writeFileSync(join(flat(), `${i}.png`), encode({ width: 16, height: 16, data, channels: 1 }));
  }
  const importerEntry = await buildEntry();
  real = { createEngine: (options) => createEngine({ ...options, importerEntry }) };
}, 60_000);
afterAll(() => remove());

/** What `train` says before it has begun anything. */
async function refused(more: Partial<Context>, args: string[]): Promise<string> {
  const { context, stderr } = fakeContext({
    scripts: resolve(import.meta.dirname, '../../out/main'),
    ...more,
  });
  const workspace = join(root, 'workspace');
  const code = await run(['train', '--preset', 'tiny', ...args, '--workspace', workspace], context);
  expect(code).toBe(1);
  const runs = join(workspace, 'runs');
  expect(existsSync(runs) ? readdirSync(runs) : []).toEqual([]);
  return stderr.text;
}

describe('a configuration is refused by name and with the remedy, before an engine is asked for', () => {
  it.each([
    [
      'widths that the groups do not divide',
      ['--set', 'model.norm_num_groups=3'],
      /model\.block_out_channels\.0: width 8 is not divisible by norm_num_groups 3: choose a multiple, or fewer groups/,
    ],
    [
      'a last width that the heads do not divide',
      ['--set', 'model.block_out_channels=[8,12]'],
      /the last width 12 must be divisible by 8, the cross-attention heads/,
    ],
    [
      'a width that attention_head_dim does not divide',
      ['--set', 'model.attention_head_dim=3'],
      /width 16 is not divisible by attention_head_dim 3, .*choose/,
    ],
    [
      'a level that is not there',
      ['--set', 'model.attention_levels=[4]'],
      /there is no level 4, .*choose/,
    ],
    ['an image size that the levels do not divide', ['--size', '24'], /must be divisible by 16/],
    ['a rate beyond the range', ['--lr', '3'], /lr: Choose 0\.01 or less/],
    ['a rate that is no number', ['--lr', 'NaN'], /lr: Choose a number/],
    ['a model that is none', ['--model', 'gan'], /model\.variant: Choose pdm, spdm, /],
    [
      'more sampling steps than timesteps',
      ['--set', 'sampling.steps=2000'],
      /2000 sampling steps exceed the 1000 timesteps/,
    ],
    [
      'guidance of a model that has not trained for it',
      ['--set', 'sampling.guidance=2'],
      /choose 1, or train with condition_dropout above 0/,
    ],
    [
      'a turn beyond half a circle',
      ['--set', 'data.rotate=200'],
      /data\.rotate: Choose 180 or less/,
    ],
  ])('%s', async (_, args, message) => {
    const said = await refused({}, args);
    expect(said).toMatch(message);
    expect(said).toContain('See: protodiff train --help');
  });
});

describe('a model that does not fit its images is refused before a run is made', () => {
  it.each([
    [
      'K larger than the data set',
      ['--k', '25'],
      /25 prototypes cannot be learned from 20 images\.\nSet K to 20 at most, or choose more images/,
    ],
    [
      'labels missing for s-PDM',
      ['--model', 'spdm'],
      /s-PDM goes by labels, and flat has none\.\nSort the images into one subfolder a class/,
    ],
    [
      'labels missing for class-conditional DDPM',
      ['--model', 'class'],
      /Class DDPM goes by labels, and flat has none/,
    ],
  ])('%s', async (_, args, message) => {
    expect(await refused(real, ['--data', flat(), ...args])).toMatch(message);
  });

  it('K other than the number of classes', async () => {
    expect(await refused(real, ['--model', 'spdm', '--k', '4'])).toMatch(
      /s-PDM needs K = 10, the number of classes in .*; it is 4\.\nSet K to 10/,
    );
  });
});
