import { describe, expect, it } from 'vitest';
import { labelsThatFit } from './labels';

describe('labelsThatFit', () => {
  it('leaves labels with room alone, in order', () => {
    const far = [
      { at: 200, text: 'α' },
      { at: 20, text: 'lr' },
    ];
    expect(labelsThatFit(far)).toEqual([
      { at: 20, text: 'lr' },
      { at: 200, text: 'α' },
    ]);
  });

  it('joins neighbours and names each sign once', () => {
    const near = ['lr', 'lr', 'α', 'β'].map((text, i) => ({ at: 50 + i, text }));
    expect(labelsThatFit(near.slice(0, 3))).toEqual([{ at: 50, text: 'lr α' }]);
    expect(labelsThatFit(near)).toEqual([{ at: 50, text: 'lr α…' }]);
  });
});
