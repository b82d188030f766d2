import { describe, expect, it } from 'vitest';
import { ProgressLine, duration } from './progress';
import { Paper } from './testing';

const at = (step: number) => ({ step, steps: 100, loss: 0.5, imagesPerS: 3.25, etaS: 4000 });

describe('progress', () => {
  it('is a bar that is redrawn in place on a terminal, never wider than it', () => {
    for (const columns of [20, 60, 200]) {
      const paper = new Paper(columns);
      let now = 0;
      const line = new ProgressLine(paper, () => now);
      for (let step = 0; step <= 100; step += 1) {
        now += 60;
        line.show(at(step));
      }
      line.end();
      const drawn = paper.text.split('\r').slice(1);
      expect(drawn.length).toBeLessThan(60);
      for (const text of drawn) {
        expect(text.replace('\u001b[K', '').trimEnd().length).toBeLessThan(columns);
      }
      expect(paper.text.endsWith('\n')).toBe(true);
      expect(paper.text.split('\n')).toHaveLength(2);
    }
  });

  it('is a line every five seconds elsewhere, and one for the last step', () => {
    const paper = new Paper();
    let now = 0;
    const line = new ProgressLine(paper, () => now);
    for (let step = 0; step <= 100; step += 1) {
      now += 100;
      line.show(at(step));
    }
    line.end();
    expect(paper.text.split('\n').filter(Boolean)).toEqual([
      'step 0/100  loss 0.5000  3.3 images/s  1 h 06 min left',
      'step 50/100  loss 0.5000  3.3 images/s  1 h 06 min left',
      'step 100/100  loss 0.5000  3.3 images/s',
    ]);
  });
});

it.each([
  [0.2, '0 s'],
  [59.4, '59 s'],
  [59.6, '1 min 00 s'],
  [185, '3 min 05 s'],
  [7620, '2 h 07 min'],
  [-3, '0 s'],
])('%d seconds are written %s', (seconds, words) => {
  expect(duration(seconds)).toBe(words);
});
