import { ndarray } from '@shared/maths/ndarray';
import { stream } from '@shared/maths/rng';
import type { SubscriptionEvent } from '@shared/protocol/contract';
import { describe, expect, it } from 'vitest';
import { PrototypeHistory } from '../../session/prototype-history';
import { pcaPlanes, spreadPlanes } from './map-planes';

const [K, N, D] = [6, 30, 12];

/** Orthogonal prototypes that have come so far along their own direction, features about them. */
function event(step: number, way: number): SubscriptionEvent<'prototypes'> {
  const rng = stream(5, 'layout', step);
  const row = (p: number, noise: number): number[] =>
    Array.from({ length: D }, (_, j) => (j === p ? way : 0) + noise * rng.normal());
  return {
    ...{ run: 'r', restart: false, step, wall: 0, assignments: 1000, perplexity: K },
    ...{ churn: null, purity: null, nmi: null, swaps: [] },
    ids: ndarray(
      Int32Array.from({ length: K }, (_, p) => p),
      [K],
    ),
    bank: ndarray(Float32Array.from(Array.from({ length: K }, (_, p) => row(p, 0.01)).flat()), [
      K,
      D,
    ]),
    features: ndarray(
      Float32Array.from(Array.from({ length: N }, (_, i) => row(i % K, 0.1)).flat()),
      [N, D],
    ),
    assignment: ndarray(
      Int32Array.from({ length: N }, (_, i) => i % K),
      [N],
    ),
    usage: ndarray(new Float32Array(K).fill(1 / K), [K]),
  };
}

function historyOf(...ways: number[]): PrototypeHistory {
  const history = new PrototypeHistory();
  ways.forEach((way, i) => history.receive(event(10 * i, way)));
  return history;
}

describe('the planes of the map', () => {
  it('spread shows each prototype move straight along its own spoke', () => {
    const planes = spreadPlanes(historyOf(1, 2, 4));
    if (!planes) throw new Error('no planes');
    expect(planes.all.map(({ length }) => length)).toEqual([1, 2, 3].map(() => 2 * (N + K)));
    const at = (i: number, p: number): [number, number] => [
      planes.all[i]?.[2 * (N + p)] ?? NaN,
      planes.all[i]?.[2 * (N + p) + 1] ?? NaN,
    ];
    for (let p = 0; p < K; p++) {
      const [early, late] = [at(0, p), at(2, p)];
      expect(Math.hypot(...late)).toBeGreaterThan(0.5);
      // From the middle of the newest bank all lie in the same direction, ever farther.
      const step = [late[0] - early[0], late[1] - early[1]] as const;
      const middle = [at(1, p)[0] - early[0], at(1, p)[1] - early[1]] as const;
      expect(Math.abs(step[0] * middle[1] - step[1] * middle[0])).toBeLessThan(0.05);
      expect(Math.hypot(...step)).toBeGreaterThan(2 * Math.hypot(...middle));
    }
  });

  it('hold everything in their extent and say how much of the variance they show', () => {
    const history = historyOf(1, 4);
    for (const planes of [spreadPlanes(history), pcaPlanes(history)]) {
      if (!planes) throw new Error('no planes');
      for (const plane of planes.all) {
        for (let p = N; p < N + K; p++) {
          expect(plane[2 * p]).toBeGreaterThanOrEqual(planes.extent.x[0]);
          expect(plane[2 * p]).toBeLessThanOrEqual(planes.extent.x[1]);
        }
      }
      const [snapshot] = history.all;
      const shown = snapshot ? planes.shown(snapshot) : 0;
      expect(shown).toBeGreaterThan(0.05);
      expect(shown).toBeLessThan(1);
    }
  });

  it('are none while nothing has come', () => {
    expect(spreadPlanes(new PrototypeHistory())).toBeUndefined();
    expect(pcaPlanes(new PrototypeHistory())).toBeUndefined();
  });
});
