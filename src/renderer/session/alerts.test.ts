import type { RunState, RunSummary } from '@shared/protocol/contract';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { AlertsController } from './alerts.svelte';
import { endings } from './endings';

const run = (state: RunState, name = 'brisk-heron'): RunSummary => ({
  ...{ run: `20260101-101010-${name}`, name, state, step: 1200, steps: 4000, preset: 'quick' },
  ...{
    data: 'digits',
    created: 1,
    colour: 0,
    last_checkpoint: 1200,
    parent: null,
    tags: [],
    starred: false,
    kept: [],
    problem: null,
  },
});

describe('what is news of the runs', () => {
  it('is that one that trained has ended by itself', () => {
    expect(endings([run('running')], [run('finished')])).toEqual([
      { title: 'brisk-heron has finished', body: 'All 4,000 steps.' },
    ]);
    expect(endings([run('paused')], [{ ...run('failed'), problem: 'The loss is NaN.' }])).toEqual([
      { title: 'brisk-heron has failed', body: 'The loss is NaN.' },
    ]);
    expect(endings([run('running')], [run('failed')])[0]?.body).toBe('At step 1,200 of 4,000.');
  });

  it('is neither what a person did nor what was so before', () => {
    expect(endings([run('running')], [run('stopped'), run('finished', 'old-owl')])).toEqual([]);
    expect(endings([], [run('failed')])).toEqual([]);
    expect(endings([run('finished')], [run('finished')])).toEqual([]);
  });
});

describe('telling of it', () => {
  const said = vi.fn();
  let permission: NotificationPermission = 'granted';
  let looking = false;
  const kept = new Map<string, string>();
  const storage = {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
  } as unknown as Storage;
  const make = (): AlertsController =>
    new AlertsController(
      {
        permission: () => permission,
        ask: () => Promise.resolve((permission = 'granted')),
        say: said,
      },
      storage,
      () => looking,
    );
  const end = (alerts: AlertsController): void => {
    alerts.runsAre([run('running')]);
    alerts.runsAre([run('finished')]);
  };
  beforeEach(() => {
    said.mockClear();
    kept.clear();
    permission = 'granted';
    looking = false;
  });

  it('happens once, and only to one who looks elsewhere', () => {
    const alerts = make();
    end(alerts);
    alerts.runsAre([run('finished')]);
    expect(said).toHaveBeenCalledTimes(1);
    looking = true;
    end(alerts);
    expect(said).toHaveBeenCalledTimes(1);
  });

  it('asks nothing unasked: the switch asks, and is remembered', async () => {
    permission = 'default';
    const alerts = make();
    end(alerts);
    expect(said).not.toHaveBeenCalled();
    await alerts.toggle();
    end(alerts);
    expect(said).toHaveBeenCalledTimes(1);
    await alerts.toggle();
    expect(make().on).toBe(false);
    await alerts.toggle();
    expect(make().on).toBe(true);
  });

  it('tells of new warnings, such as a recovery, and not of old ones', () => {
    const alerts = make();
    const notice = (id: string, level: 'info' | 'warning') => ({
      ...{ id, level, message: `Training continues (${id}).`, wall: 1 },
    });
    alerts.noticesAre([notice('a', 'warning')]);
    alerts.noticesAre([notice('a', 'warning'), notice('b', 'warning'), notice('c', 'info')]);
    expect(said.mock.calls).toEqual([[{ title: 'Protodiff', body: 'Training continues (b).' }]]);
  });
});
