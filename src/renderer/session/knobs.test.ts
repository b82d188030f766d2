import { DEFAULT_KNOBS } from '@shared/config/knobs';
import type { KnobChange, KnobName } from '@shared/config/knobs';
import { AppError } from '@shared/errors';
import type { JournalEntry } from '@shared/protocol/contract';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { KnobsController } from './knobs.svelte';

const entry = (seq: number, knob: KnobName, previous: number, value: number): JournalEntry => ({
  seq,
  knob,
  previous,
  value,
  applied_at_step: 100 + seq,
  wall: 0,
});

function made(send: (change: KnobChange) => Promise<JournalEntry[]>) {
  const knobs = new KnobsController(send);
  knobs.load(DEFAULT_KNOBS);
  const lr = () => knobs.view(true).find(({ name }) => name === 'lr');
  return { knobs, lr };
}

describe('KnobsController', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('shows nothing before the run is loaded, and disabled knobs without a live run', () => {
    const knobs = new KnobsController(() => Promise.resolve([]));
    expect(knobs.view(true)).toEqual([]);
    knobs.load(DEFAULT_KNOBS);
    expect(knobs.view(false).every(({ state }) => state === 'disabled')).toBe(true);
    expect(knobs.view(true).every(({ state }) => state === 'settled')).toBe(true);
  });

  it('sends once after a slider has come to rest, and settles with the answer', async () => {
    const send = vi.fn((change: KnobChange) =>
      Promise.resolve([entry(0, 'lr', 1e-4, change.lr ?? NaN)]),
    );
    const { knobs, lr } = made(send);
    for (const value of [2e-4, 3e-4, 4e-4]) knobs.set('lr', value, false);
    expect(lr()).toMatchObject({ state: 'pending', applied: 1e-4, requested: 4e-4 });
    expect(lr()?.line).toBe('applied 1.0e-4, requested 4.0e-4: next step');
    await vi.advanceTimersByTimeAsync(200);
    expect(send).toHaveBeenCalledTimes(1);
    expect(send).toHaveBeenCalledWith({ lr: 4e-4 });
    expect(lr()).toMatchObject({ state: 'settled', applied: 4e-4, requested: 4e-4 });
    expect(lr()?.line).toBe('applied at step 100, was 1.0e-4');
  });

  it('refuses what is out of range without asking the engine', async () => {
    const send = vi.fn(() => Promise.resolve([]));
    const { knobs, lr } = made(send);
    knobs.set('lr', 5, true);
    expect(lr()).toMatchObject({ state: 'refused', applied: 1e-4, requested: 5 });
    expect(lr()?.line).toMatch(/^5 is outside 1e-6 to 0\.01$/);
    knobs.set('lr', NaN, true);
    expect(lr()?.line).toMatch(/not a number/);
    await vi.advanceTimersByTimeAsync(500);
    expect(send).not.toHaveBeenCalled();
  });

  it('shows what holds when the run that refused a value has ended', () => {
    const { knobs } = made(() => Promise.resolve([]));
    knobs.set('lr', 5, true);
    expect(knobs.view(false)[0]).toMatchObject({ requested: 1e-4, line: 'as the run began' });
  });

  it('says why the engine refused', async () => {
    const { knobs, lr } = made(() =>
      Promise.reject(new AppError('wrong_state', 'The run has ended.')),
    );
    knobs.set('lr', 2e-4, true);
    await vi.advanceTimersByTimeAsync(1);
    expect(lr()).toMatchObject({ state: 'refused', line: 'The run has ended.' });
    knobs.set('lr', 1e-4, true);
    expect(lr()?.state).toBe('settled');
  });

  it('keeps a newer wish when an older answer comes', async () => {
    let answer: ((entries: JournalEntry[]) => void) | undefined;
    const { knobs, lr } = made(() => new Promise((resolve) => (answer = resolve)));
    knobs.set('lr', 2e-4, true);
    knobs.set('lr', 3e-4, false);
    answer?.([entry(0, 'lr', 1e-4, 2e-4)]);
    await vi.advanceTimersByTimeAsync(1);
    expect(lr()).toMatchObject({ state: 'pending', applied: 2e-4, requested: 3e-4 });
  });

  it('takes journal entries in any order and more than once', () => {
    const { knobs, lr } = made(() => Promise.resolve([]));
    knobs.record([entry(1, 'lr', 2e-4, 3e-4), entry(0, 'lr', 1e-4, 2e-4)]);
    knobs.record([entry(0, 'lr', 1e-4, 2e-4)]);
    expect(lr()?.applied).toBe(3e-4);
    knobs.forget();
    expect(lr()?.applied).toBe(1e-4);
  });
});
