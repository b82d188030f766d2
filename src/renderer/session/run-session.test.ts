import { ndarray } from '@shared/maths/ndarray';
import type { Client } from '@shared/protocol/client';
import type { SubscriptionEvent } from '@shared/protocol/contract';
import { describe, expect, it } from 'vitest';
import { RunSession } from './run-session.svelte';

type Curves = SubscriptionEvent<'curves'>;

/** Rows of the given steps; the loss is the step, but 50 at step 4. */
function event(steps: number[], more: Partial<Curves>): Curves {
  const column = ndarray(Float64Array.from(steps), [steps.length]);
  const losses = Float64Array.from(steps, (step) => (step === 4 ? 50 : step));
  return {
    run: 'r',
    restart: false,
    keys: ['train/loss'],
    ...{ step: column, wall: column, active: column },
    values: ndarray(losses, [steps.length, 1]),
    ...more,
  };
}

function opened(): { session: RunSession; send: (event: Curves) => void } {
  const handlers = new Map<string, (event: never) => void>();
  const engine = {
    request: () => new Promise(() => undefined),
    subscribe: (name: string, _input: unknown, onEvent: (event: never) => void) => {
      handlers.set(name, onEvent);
      return () => undefined;
    },
  } as unknown as Client;
  const session = new RunSession(engine, 'r');
  session.open();
  return { session, send: (made) => handlers.get('curves')?.(made as never) };
}

describe('the curves of a run with a long history', () => {
  const losses = (session: RunSession, weight = 0): number[] => {
    const scale = { axis: 'step', batch: 1, images: 1 } as const;
    return [...(session.curves.series('train/loss', scale, weight, false)?.smoothed.values ?? [])];
  };

  it('are an outline, with its spike and without averages, until all rows are there', () => {
    const { session, send } = opened();
    send(event([1, 4, 6], { restart: true, outline: 6 }));
    expect(session.curves.outline).toBe(true);
    expect(losses(session, 0.9)).toEqual([1, 50, 6]);
    const drawn = session.curvesVersion;
    send(event([1, 2, 3], {}));
    expect(losses(session)).toEqual([1, 50, 6]);
    expect(session.curvesVersion).toBe(drawn);
    send(event([4, 5, 6], {}));
    expect(session.curves.outline).toBe(false);
    expect(losses(session)).toEqual([1, 2, 3, 50, 5, 6]);
    expect(session.curvesVersion).toBe(drawn + 1);
    send(event([7], {}));
    expect(session.curves.length).toBe(7);
  });

  it('begin anew with a restart, in an outline or past it', () => {
    const { session, send } = opened();
    send(event([1, 4, 6], { restart: true, outline: 6 }));
    send(event([1, 2, 3], {}));
    send(event([1, 2], { restart: true }));
    expect(losses(session)).toEqual([1, 2]);
    expect(session.curves.outline).toBe(false);
  });
});
