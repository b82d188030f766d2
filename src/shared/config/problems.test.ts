import { configFor } from '@shared/config/presets';
import { RunConfigSchema } from '@shared/config/run-config';
import type { RunConfig } from '@shared/config/run-config';
import { describe, expect, it } from 'vitest';
import { problemsOf } from './problems';

function problems(change: (config: RunConfig) => void): [string, string][] {
  const config = configFor('quick', { kind: 'digits' });
  change(config);
  const parsed = RunConfigSchema.safeParse(config);
  return parsed.success
    ? []
    : problemsOf(parsed.error).map(({ path, sentence }) => [path, sentence]);
}

describe('problemsOf', () => {
  it('finds nothing in a preset', () => {
    expect(problems(() => undefined)).toEqual([]);
  });

  it.each<[string, (config: RunConfig) => void, string, RegExp]>([
    ['no batch', (c) => (c.training.batch_size = 0), 'training.batch_size', /above 0/],
    ['a huge batch', (c) => (c.training.batch_size = 5000), 'training.batch_size', /4,096 or less/],
    ['half a step', (c) => (c.training.steps = 1.5), 'training.steps', /whole number/],
    ['no number', (c) => (c.model.k = NaN), 'model.k', /number/],
    [
      'a word',
      (c) => Object.assign(c.model, { prediction: 'y' }),
      'model.prediction',
      /eps, v, x_0/,
    ],
    ['a negative seed', (c) => (c.seed = -1), 'seed', /0 or more/],
    [
      'no folder',
      (c) => (c.data.source = { kind: 'folder', path: '' }),
      'data.source.path',
      /Fill/,
    ],
    ['an odd size', (c) => (c.data.image_size = 20), 'data.image_size', /divisible by 16/],
  ])('puts a sentence to %s', (_, change, path, sentence) => {
    const [first] = problems(change);
    expect(first?.[0]).toBe(path);
    expect(first?.[1]).toMatch(sentence);
    expect(first?.[1]).toMatch(/\.$/);
  });
});
