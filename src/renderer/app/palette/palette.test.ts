import { describe, expect, it } from 'vitest';
import { found, grouped } from './entries';
import type { Entry } from './entries';

const entry = (id: string, title: string, group = 'Cell', detail = ''): Entry => ({
  id,
  title,
  group,
  detail,
  run: () => undefined,
});
const all = [
  entry('undo', 'Undo the last change'),
  entry('train', 'Train again', 'Run'),
  entry('cell train', 'Train', 'Cells', 'cell 4'),
  entry('run x', 'brisk-heron', 'Runs', 'stopped, train set'),
];
const ids = (entries: readonly Entry[]): string[] => entries.map(({ id }) => id);

describe('the palette', () => {
  it('finds by every word, beginnings first', () => {
    expect(ids(found(all, 'tra', []))).toEqual(['train', 'cell train', 'run x']);
    expect(ids(found(all, 'AGAIN tra', []))).toEqual(['train']);
    expect(ids(found(all, 'cell 4', []))).toEqual(['cell train']);
    expect(found(all, 'zebra', [])).toEqual([]);
  });

  it('shows the recent first, once, where nothing is asked', () => {
    const shown = found(all, ' ', ['run x', 'gone', 'undo']);
    expect(ids(shown)).toEqual(['run x', 'undo', 'train', 'cell train']);
    expect(grouped(shown).map(([group]) => group)).toEqual(['Recent', 'Run', 'Cells']);
  });
});
