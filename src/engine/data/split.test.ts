import { describe, expect, it } from 'vitest';
import { splitOf } from './split';

describe('splitOf', () => {
  it('holds images out that are never trained on, and loses none', () => {
    const { trained, count, held } = splitOf(100, 15);
    expect(held).toHaveLength(15);
    expect(count).toBe(85);
    expect([...(trained ?? []), ...held].sort((a, b) => a - b)).toEqual(
      Array.from({ length: 100 }, (_, i) => i),
    );
    expect([...splitOf(100, 20).held.slice(0, 15)]).toEqual([...held]);
  });

  it('leaves everything as it is where nothing is held out, and takes a fifth at most', () => {
    expect(splitOf(100, 0)).toEqual({ trained: null, count: 100, held: new Int32Array(0) });
    expect(splitOf(100, 500).held).toHaveLength(20);
    expect(splitOf(4, 500).trained).toBeNull();
  });
});
