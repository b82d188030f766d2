import { describe, expect, it } from 'vitest';
import { laidOut, PANELS, panelsOf } from './panels';

const spans = (ids: readonly string[], compact = false): number[] =>
  laidOut(
    PANELS.filter(({ id }) => ids.includes(id)),
    compact,
  ).map(({ span }) => span);

describe('panels', () => {
  it('fill every row, whichever are chosen', () => {
    for (const compact of [false, true]) {
      for (let n = 1; n <= PANELS.length; n++) {
        let row = 0;
        for (const { span } of laidOut(PANELS.slice(-n), compact)) {
          row += span;
          expect(row).toBeLessThanOrEqual(12);
          if (row === 12) row = 0;
        }
        expect(row, `${n} panels`).toBe(0);
      }
    }
  });

  it('stand two large ones above rows of four and three', () => {
    const usual = panelsOf(undefined).map(({ id }) => id);
    expect(spans(usual)).toEqual([6, 6, 3, 3, 3, 3, 4, 4, 4]);
    expect(spans(usual, true)).toEqual([6, 6, 4, 4, 4, 6, 6, 6, 6]);
    expect(spans(['total', 'diffusion', 'validation'])).toEqual([4, 4, 4]);
  });
});
