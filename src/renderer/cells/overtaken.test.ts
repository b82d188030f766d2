import { describe, expect, it } from 'vitest';
import { overtakenBy } from './overtaken';

const entry = { seq: 1, applied_at_step: 1200, previous: 1e-3, value: 1e-4, wall: 0 };

describe('a picture of the live weights', () => {
  it('is overtaken by the first knob change at or after its step', () => {
    const journal = [
      { ...entry, knob: 'tau' as const },
      { ...entry, seq: 2, applied_at_step: 1500, knob: 'ema_decay' as const },
    ];
    expect(overtakenBy(journal, 1199)).toBe('τ changed at step 1,200');
    expect(overtakenBy(journal, 1200)).toBe('τ changed at step 1,200');
    expect(overtakenBy(journal, 1201)).toBe('EMA decay changed at step 1,500');
  });

  it('is not where nothing changed since', () => {
    expect(overtakenBy([], 0)).toBeUndefined();
    expect(overtakenBy([{ ...entry, knob: 'lr' }], 1300)).toBeUndefined();
  });
});
