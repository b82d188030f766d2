import { ndarray } from '@shared/maths/ndarray';
import type { SubscriptionEvent } from '@shared/protocol/contract';
import { alike } from '@shared/config/sampling-rows';
import type { TrajectoryRow } from '@shared/config/sampling-rows';
import { decode } from 'fast-png';
import { describe, expect, it } from 'vitest';
import { pngOf, sheetOf } from '../../components/png';
import { differenceGain, framesOf, partingColumn, pictureOf } from './frames';
import { planLine, conditionWords, rowDetail } from './row-words';
import { stripStem } from './strip';

/** Two rows by two columns of one grey pixel. */
function event(): SubscriptionEvent<'trajectory'> {
  const plane = (...values: number[]) => ndarray(Uint8Array.from(values), [4, 1, 1, 1]);
  const frame = (row: number, column: number, t: number, apart: number) => ({
    ...{ row, column, t, apart },
  });
  return {
    ...{ phase: 'done', done: 2, total: 2, eta_s: 0, seconds: 1 },
    columns: [960, -1],
    weights_steps: [10, 10],
    frames: [frame(0, 0, 960, 0), frame(0, 1, -1, 0), frame(1, 0, 960, 0.01), frame(1, 1, -1, 0.4)],
    x_t: plane(10, 20, 10, 220),
    x_0: plane(100, 20, 100, 220),
    eps: plane(127, 127, 130, 127),
  };
}

const row: TrajectoryRow = {
  ...{ prototypes: alike(3), weights: 'ema', sampler: 'ddim' },
  ...{ checkpoint: null, run: null, guidance: 1 },
};

describe('a grid of trajectories', () => {
  const frames = framesOf(event());

  it('shows each view of a frame', () => {
    const [first, , , last] = frames;
    if (!first || !last) throw new Error('frames are missing');
    expect([...(pictureOf(first, first, 'x_t', false)?.rgba ?? [])]).toEqual([10, 10, 10, 255]);
    expect([...(pictureOf(first, first, 'x_0', false)?.rgba ?? [])]).toEqual([100, 100, 100, 255]);
    expect(pictureOf(last, frames[1], 'eps', false)).toBeNull();
    expect(pictureOf(first, first, 'difference', false)?.rgba[3]).toBe(0);
    const lighter = pictureOf(last, frames[1], 'difference', true)?.rgba;
    expect([...(lighter ?? [])]).toEqual([240, 140, 60, 255]);
  });

  it('knows the first column in which a row has parted', () => {
    expect(partingColumn(frames, 0)).toBeUndefined();
    expect(partingColumn(frames, 1)).toBe(1);
  });

  it('draws small differences stronger, by a power of two, and large ones as they are', () => {
    const [, , near, far] = frames;
    if (!near || !far) throw new Error('frames are missing');
    expect(differenceGain([])).toBe(1);
    expect(differenceGain(frames.map((frame) => ({ ...frame, apart: 0 })))).toBe(1);
    expect(differenceGain([near, { ...far, apart: 0.6 }])).toBe(1);
    expect(differenceGain([near])).toBe(32);
    expect(differenceGain([{ ...near, apart: 1e-6 }])).toBe(64);
  });

  it('says what a row is and what sets it apart', () => {
    expect(conditionWords(row.prototypes)).toBe('prototype 3');
    expect(conditionWords(row.prototypes, (p) => (p === 3 ? 'loops' : ''))).toBe('loops');
    expect(conditionWords([])).toBe('drawn at each step');
    expect(conditionWords(alike(1, 2, 4))).toBe('mean of 1, 2 and 4');
    const mixed = alike(1, 4).map((part, i) => ({ ...part, weight: i === 0 ? 1.4 : 0.6 }));
    expect(conditionWords(mixed)).toBe('70 % 1, 30 % 4');
    expect(rowDetail(row, [row, { ...row, prototypes: alike(4) }], 10)).toBe('');
    const rows = [row, { ...row, weights: 'raw' as const, checkpoint: 1200 }];
    expect(rows.map((each) => rowDetail(each, rows, 3400))).toEqual([
      'EMA, step 3,400',
      'raw, step 1,200',
    ]);
    const runs = [row, { ...row, run: '20260101-101010-brisk-heron' }];
    expect(runs.map((each) => rowDetail(each, runs, 3400))).toEqual(['this run', 'brisk-heron']);
    const guided = [row, { ...row, guidance: 2.5 }];
    expect(guided.map((each) => rowDetail(each, guided, 3400))).toEqual(['w 1', 'w 2.5']);
    const plan = { rows, steps: 25, seed: 42, eta: 0 };
    expect(planLine(plan, [3400, 1200])).toBe('DDIM 25 steps, seed 42');
    expect(planLine({ ...plan, rows: [row] }, [3400])).toBe(
      'at step 3,400, EMA weights, DDIM 25 steps, seed 42',
    );
    expect(planLine({ ...plan, rows: guided.slice(1) }, [3400])).toBe(
      'at step 3,400, EMA weights, DDIM 25 steps, guidance 2.5, seed 42',
    );
  });

  it('is saved as one PNG that says how it was made', () => {
    const tiles = frames.map((frame) => pictureOf(frame, undefined, 'x_t', false));
    const sheet = sheetOf([tiles.slice(0, 2), [tiles[2], null]], 1, [255, 255, 255]);
    const png = decode(pngOf(sheet, { seed: 42, name: 'größe' }));
    expect([png.width, png.height, png.channels]).toEqual([3, 3, 3]);
    expect([...png.data.subarray(0, 9)]).toEqual([10, 10, 10, 255, 255, 255, 20, 20, 20]);
    expect(JSON.parse(png.text['protodiff'] ?? '')).toEqual({ seed: 42, name: 'größe' });
    const plan = { rows: [row], steps: 25, seed: 42, eta: 0, columns: 2 };
    expect(
      stripStem({ run: 'r', plan, view: 'x_0', columns: [], weightsSteps: [7], dark: false }),
    ).toBe('r_step_00000007_seed_42_x_0');
  });
});
