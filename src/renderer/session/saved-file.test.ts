import { alike } from '@shared/config/sampling-rows';
import { printJournal } from '@shared/config/journal';
import { configFor } from '@shared/config/presets';
import { encode } from 'fast-png';
import { describe, expect, it } from 'vitest';
import { pngOf } from '../components/png';
import { pngText } from '../components/png-text';
import { readSaved } from './saved-file';

const picture = { width: 1, height: 1, rgba: new Uint8ClampedArray([1, 2, 3, 255]) };
const run = '20260101-101010-brisk-heron';
const plan = {
  ...{ columns: [alike(3), alike(0, 7)], seed: 42, rows: 2, weights: 'ema', sampler: 'ddim' },
  ...{ steps: 25, eta: 0, checkpoint: null, guidance: 1 },
};
const trajectoryPlan = {
  rows: [
    {
      prototypes: alike(3),
      weights: 'ema',
      sampler: 'ddim',
      checkpoint: null,
      run: null,
      guidance: 1,
    },
  ],
  ...{ seed: 42, columns: 9, steps: 25, eta: 0 },
};
const commented = new Uint8Array(
  encode({ width: 1, height: 1, data: new Uint8Array(3), channels: 3, text: { Comment: '{}' } }),
);
const read = (settings: unknown) => readSaved('a.png', pngOf(picture, settings));

describe('a file that was saved', () => {
  it('gives back what made it', () => {
    expect(read({ sheet: { run, step: 7, plan } })).toEqual({ kind: 'sheet', run, step: 7, plan });
    expect(read({ sample: { run, step: 7, plan, seed: 43, prototypes: alike(5) } })).toEqual({
      ...{ kind: 'sheet', run, step: 7 },
      plan: { ...plan, columns: [alike(5)], seed: 43, rows: 1 },
    });
    const trajectories = {
      run,
      plan: trajectoryPlan,
      view: 'x_0',
      columns: [9],
      weights_steps: [5],
    };
    expect(read({ trajectories })).toEqual({
      ...{ kind: 'trajectories', run, step: 5, plan: trajectoryPlan, view: 'x_0' },
    });
    const settings = {
      ...{
        run,
        step: 100,
        prototypes: [0],
        seconds: 1,
        sampler: 'ddim',
        steps: 5,
        eta: 0,
        count: 1,
      },
      ...{ weights: 'ema', draw: 'per_image', seed: 42 },
    };
    expect(read({ settings })).toEqual({ kind: 'preview', run, step: 100 });
    const config = configFor('tiny', { kind: 'digits' });
    const journal = { run, config, changes: [] };
    const json = new TextEncoder().encode(printJournal(run, config, []));
    expect(readSaved('a.json', json)).toEqual({ kind: 'journal', journal });
  });

  it('of an earlier Protodiff, with prototypes as plain numbers, is read as well', () => {
    const old = { ...plan, columns: [[3], [0, 7]] };
    expect(read({ sheet: { run, step: 7, plan: old } })).toMatchObject({ plan });
  });

  const valid = JSON.stringify({ sheet: { run, step: 7, plan } });
  it.each([
    ['no picture', new TextEncoder().encode('hello'), /neither a PNG nor a journal/],
    ['a PNG from elsewhere', commented, /holds no settings/],
    ['a cut file', pngOf(picture, {}).slice(0, 60), /holds no settings/],
    ['settings of no kind', pngOf(picture, { a: 1 }), /not such as Protodiff writes/],
    ['text that is no JSON', textPng('{"sheet":'), /not such as Protodiff writes/],
    ['deep nesting', textPng('['.repeat(900_000)), /not such as Protodiff writes/],
    ['endless text', textPng(' '.repeat(1_200_000) + valid), /holds no settings/],
    [
      'a path for a run',
      pngOf(picture, { sheet: { run: '../../etc', step: 7, plan } }),
      /not such as Protodiff writes/,
    ],
    [
      'numbers out of range',
      pngOf(picture, { sheet: { run, step: 7, plan: { ...plan, rows: 1e9 } } }),
      /not such as Protodiff writes/,
    ],
    [
      'settings with more in them',
      pngOf(picture, { sheet: { run, step: 7, plan: { ...plan, script: 'x' } } }),
      /not such as Protodiff writes/,
    ],
  ])('is refused in a sentence: %s', (_what, bytes, message) => {
    expect(() => readSaved('a.png', bytes)).toThrow(message);
  });

  it('is searched no further than its end, whatever its chunks claim', () => {
    const bytes = pngOf(picture, {});
    new DataView(bytes.buffer).setUint32(8, 0xffffffff);
    expect(pngText(bytes, 'protodiff')).toBeUndefined();
  });
});

/** The start of a PNG with one text chunk as it is, unchecked. */
function textPng(text: string): Uint8Array {
  const body = new TextEncoder().encode(`protodiff\0${text}`);
  const out = new Uint8Array(8 + 12 + body.length);
  out.set([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  new DataView(out.buffer).setUint32(8, body.length);
  out.set(new TextEncoder().encode('tEXt'), 12);
  out.set(body, 16);
  return out;
}
