import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KNOBS } from './knobs';
import { PRESETS } from './presets';
import { assignSetting, settingsOf } from './settings';
import { expandSweep, MAX_SWEEP, parseAxis, sweepSize } from './sweep';
import type { Axis } from './sweep';

const base = PRESETS.tiny;
const refused = (act: () => unknown, message: string): void =>
  expect(act).toThrow(
    expect.objectContaining({ code: 'bad_config', message: expect.stringContaining(message) }),
  );

describe('an axis', () => {
  it.each([
    ['lr=1e-3,3e-4', 'lr', [1e-3, 3e-4]],
    ['prototypes.k=5,10,20', 'model.k', [5, 10, 20]],
    ['knobs.lr=0.001', 'lr', [0.001]],
    ['seed=1..3', 'seed', [1, 2, 3]],
    ['seed=1..2,7', 'seed', [1, 2, 7]],
    ['lr=1e-4..1e-2:5log', 'lr', [1e-4, 0.000316228, 1e-3, 0.00316228, 1e-2]],
    ['beta=0..2:5', 'beta', [0, 0.5, 1, 1.5, 2]],
    ['model.variant=pdm,ddpm', 'model.variant', ['pdm', 'ddpm']],
    ['data.flip=true,false', 'data.flip', [true, false]],
    ['model.attention_levels=[1],[0,1]', 'model.attention_levels', [[1], [0, 1]]],
    ['data.source.path=../a,"b, c"', 'data.source.path', ['../a', 'b, c']],
  ])('%s', (text, name, values) => {
    expect(parseAxis(text)).toEqual({ name, values });
  });

  it.each([
    ['lr', 'NAME=VALUE'],
    ['=1', 'NAME=VALUE'],
    ['lr=', 'lacks a value'],
    ['lr=1e-3,,2e-3', 'lacks a value'],
    ['lr=1e-3,0.001', 'twice'],
    ['seed=3..1', 'does not rise'],
    ['lr=0.1..0.3', 'does not say how many'],
    ['lr=0..1:3log', 'no logarithm'],
    ['lr=0..1:1', 'makes 1 values'],
    ['seed=1..100000000000', 'makes 100000000000 values'],
    ['lr={"a":1}', 'cannot be'],
  ])('%s is refused: %s', (text, message) => refused(() => parseAxis(text), message));

  it('of n values on a scale rises from one end to the other, evenly', () => {
    const ends = fc
      .tuple(fc.double({ min: 1e-6, max: 1e-3 }), fc.double({ min: 2e-3, max: 10 }))
      .filter(([from, to]) => Number.isFinite(from) && Number.isFinite(to));
    fc.assert(
      fc.property(ends, fc.integer({ min: 2, max: 64 }), fc.boolean(), ([from, to], n, log) => {
        const { values } = parseAxis(`lr=${from}..${to}:${n}${log ? 'log' : ''}`);
        const numbers = values as number[];
        expect(numbers).toHaveLength(n);
        expect([numbers[0], numbers[n - 1]]).toEqual([from, to]);
        const scale = log ? Math.log : (x: number): number => x;
        const step = (scale(to) - scale(from)) / (n - 1);
        numbers.forEach((value, i) =>
          expect(Math.abs(scale(value) - scale(from) - i * step)).toBeLessThan(
            1e-5 * Math.max(1, Math.abs(scale(value))),
          ),
        );
      }),
    );
  });
});

describe('a sweep', () => {
  const axes = fc.tuple(
    fc.uniqueArray(fc.double({ min: KNOBS.lr.min, max: KNOBS.lr.max, noNaN: true }), {
      minLength: 1,
      maxLength: 5,
    }),
    fc.uniqueArray(fc.integer({ min: 1, max: 64 }), { minLength: 1, maxLength: 5 }),
    fc.uniqueArray(fc.constantFrom('pdm', 'ddpm', 'nonsense'), { minLength: 1, maxLength: 3 }),
  );

  it('has each combination once, changes nothing else, and names each that is impossible', () => {
    fc.assert(
      fc.property(axes, ([lr, k, variant]) => {
        const asked: Axis[] = [
          { name: 'lr', values: lr },
          { name: 'model.k', values: k },
          { name: 'model.variant', values: variant },
        ];
        const before = JSON.stringify(base);
        const { runs, impossible } = expandSweep(base, asked);
        expect(JSON.stringify(base)).toBe(before);
        expect(runs.length + impossible.length).toBe(sweepSize(asked));
        const all = [...runs, ...impossible].map(({ differs }) => JSON.stringify(differs));
        expect(new Set(all).size).toBe(all.length);
        for (const { config, differs } of runs) {
          const expected = JSON.parse(before) as typeof base;
          for (const { name, value } of differs) assignSetting(expected, name, value);
          expect(config).toEqual(expected);
        }
        for (const { differs, problem } of impossible) {
          expect(differs[2]?.value).toBe('nonsense');
          expect(problem).toContain('model.variant');
        }
      }),
      { numRuns: 50 },
    );
  });

  it('runs over any setting of a configuration', () => {
    const settings = settingsOf(base);
    expect(settings.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['lr', 'seed', 'model.k', 'training.t_sampling', 'sampling.eta']),
    );
    for (const { name, value } of settings) {
      const { runs } = expandSweep(base, [{ name, values: [value] }]);
      expect(runs.map(({ config }) => config)).toEqual([base]);
    }
  });

  it('is refused whole where a setting is unknown or named twice, or runs are too many', () => {
    refused(() => expandSweep(base, [parseAxis('nobody=1')]), 'There is no setting "nobody"');
    refused(() => expandSweep(base, [parseAxis('__proto__=1')]), 'There is no setting');
    refused(
      () => expandSweep(base, [parseAxis('model.k=4'), parseAxis('k=5')]),
      'model.k is swept twice',
    );
    const many = [parseAxis('seed=1..17'), parseAxis('lr=1e-4..1e-3:16')];
    refused(() => expandSweep(base, many), `makes ${17 * 16} runs`);
    expect(17 * 16).toBeGreaterThan(MAX_SWEEP);
  });
});
