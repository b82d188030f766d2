import { describe, expect, it } from 'vitest';
import { labelsThatFit } from './labels';

describe('labelsThatFit', () => {
  it('leaves labels with room alone, in order', () => {
    const far = [
      { at: 200, text: 'α' },
      { at: 20, text: 'lr' },
    ];
    expect(labelsThatFit(far, 300)).toEqual([
      { at: 20, text: 'lr' },
      { at: 200, text: 'α' },
    ]);
  });

  it('joins neighbours and names each sign once', () => {
    const near = ['lr', 'lr', 'α', 'β'].map((text, i) => ({ at: 50 + i, text }));
    expect(labelsThatFit(near.slice(0, 3), 300)).toEqual([{ at: 50, text: 'lr α' }]);
    expect(labelsThatFit(near, 300)).toEqual([{ at: 50, text: 'lr α…' }]);
  });

  it('keeps what stands at an edge whole, alone and joined', () => {
    const edges = [
      { at: 2, text: 'branch' },
      { at: 298, text: 'lr' },
    ];
    expect(labelsThatFit(edges, 300)).toEqual([
      { at: 21, text: 'branch' },
      { at: 293, text: 'lr' },
    ]);
    const joined = labelsThatFit([...edges, { at: 280, text: 'branch' }], 300);
    expect(joined.at(-1)).toEqual({ at: 300 - ('branch lr'.length * 7) / 2, text: 'branch lr' });
  });
});
