import { ndarray } from '@shared/maths/ndarray';
import { stream } from '@shared/maths/rng';
import type { SubscriptionEvent } from '@shared/protocol/contract';
import { describe, expect, it } from 'vitest';
import { extentOf, PrototypeHistory } from './prototype-history';

type Event = SubscriptionEvent<'prototypes'>;

const [K, N, D] = [3, 24, 6];

/** A bank that opens like a fan with the step, turned in its space by `turn` radians. */
function event(step: number, turn = 0, more: Partial<Event> = {}): Event {
  const rng = stream(7, 'layout', 3);
  const bank = new Float32Array(K * D);
  const features = new Float32Array(N * D);
  const place = (target: Float32Array, row: number, x: number, y: number): void => {
    target[row * D] = Math.cos(turn) * x - Math.sin(turn) * y;
    target[row * D + 1] = Math.sin(turn) * x + Math.cos(turn) * y;
  };
  for (let p = 0; p < K; p++) {
    const angle = 2.1 * p + 0.3;
    const radius = 1 + step / 100;
    place(bank, p, 2 * radius * Math.cos(angle), radius * Math.sin(angle));
    for (let i = p; i < N; i += K) {
      place(
        features,
        i,
        2 * radius * Math.cos(angle) + 0.2 * rng.normal(),
        radius * Math.sin(angle) + 0.2 * rng.normal(),
      );
    }
  }
  return {
    ...{ run: 'r', restart: false, step, wall: 0, assignments: 1000, perplexity: 3 },
    ...{ churn: null, purity: null, nmi: null, swaps: [] },
    ids: ndarray(Int32Array.of(0, 1, 2), [K]),
    bank: ndarray(bank, [K, D]),
    features: ndarray(features, [N, D]),
    assignment: ndarray(
      Int32Array.from({ length: N }, (_, i) => i % K),
      [N],
    ),
    usage: ndarray(Float32Array.of(0.4, 0.4, 0.2), [K]),
    ...more,
  };
}

describe('PrototypeHistory', () => {
  it('lays every snapshot as the one before, whichever way its space was turned', () => {
    const history = new PrototypeHistory();
    [0, 1.7, 3.1, 4.9].forEach((turn, i) => history.receive(event(10 * i, turn)));
    const [first, ...rest] = history.all;
    for (const { plane, shown } of rest) {
      expect(shown).toBeGreaterThan(0.99);
      for (let p = 0; p < K; p++) {
        const at = 2 * (N + p);
        const ray = (of: Float64Array): number => Math.atan2(of[at + 1] ?? 0, of[at] ?? 0);
        const apart = ray(plane) - ray(first?.plane ?? new Float64Array());
        expect(Math.abs(Math.sin(apart / 2))).toBeLessThan(0.05);
      }
    }
  });

  it('moves nothing that is laid when more arrives, and only widens the axes', () => {
    const history = new PrototypeHistory();
    history.receive(event(0));
    const [before, extent] = [history.all[0]?.plane, history.extent];
    history.receive(event(400));
    expect(history.all[0]?.plane).toBe(before);
    const [a, b] = [extent, history.extent];
    if (!a || !b) throw new Error('no extent');
    expect(b.x[0]).toBeLessThanOrEqual(a.x[0]);
    expect(b.x[1]).toBeGreaterThan(a.x[1]);
  });

  it('takes what was measured later into the snapshot of its step', () => {
    const history = new PrototypeHistory();
    history.receive(event(0));
    history.receive(event(10));
    const { plane } = history.all[0] ?? {};
    history.receive(event(0, 0, { swaps: [{ t: 100, change: 0.2 }] }));
    expect(history.all.map(({ step }) => step)).toEqual([0, 10]);
    expect(history.all[0]?.swaps).toEqual([{ t: 100, change: 0.2 }]);
    expect(history.all[0]?.plane).toBe(plane);
  });

  it('replaces a snapshot that was made anew, keeps order, and begins anew', () => {
    const history = new PrototypeHistory();
    for (const step of [20, 0, 10]) history.receive(event(step));
    history.receive(event(10, 0.4));
    expect(history.all.map(({ step }) => step)).toEqual([0, 10, 20]);
    expect([0, 9, 10, 19, 99].map((step) => history.indexOf(step))).toEqual([0, 0, 1, 1, 2]);
    history.receive(event(5, 0, { restart: true }));
    expect(history.all.map(({ step }) => step)).toEqual([5]);
    history.clear();
    expect([history.indexOf(5), history.extent, history.last]).toEqual([-1, undefined, undefined]);
  });

  it('thins itself when it holds too many numbers, keeping both ends', () => {
    const history = new PrototypeHistory(10 * (N + K) * D);
    for (let step = 0; step < 40; step++) history.receive(event(step));
    expect(history.all.length).toBeLessThanOrEqual(11);
    expect([history.all[0]?.step, history.last?.step]).toEqual([0, 39]);
  });

  it('lets no stray feature set the axes', () => {
    const plane = Float64Array.from({ length: 2 * 201 }, (_, i) => Math.sin(i));
    plane[0] = 1e6;
    const { x } = extentOf({ plane, bank: ndarray(new Float32Array(4), [1, 4]) });
    expect(x[1]).toBeLessThanOrEqual(1);
  });

  it('is laid with a single prototype and a single image', () => {
    const history = new PrototypeHistory();
    const one = event(0, 0, {
      bank: ndarray(Float32Array.of(1, 2), [1, 2]),
      features: ndarray(Float32Array.of(0, 2), [1, 2]),
      assignment: ndarray(Int32Array.of(0), [1]),
      usage: ndarray(Float32Array.of(1), [1]),
      perplexity: 1,
    });
    history.receive(one);
    expect([...(history.all[0]?.plane ?? [])].every(Number.isFinite)).toBe(true);
    expect(history.all[0]?.alarms()).toEqual([]);
  });
});
