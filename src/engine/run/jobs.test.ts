import { describe, expect, it } from 'vitest';
import { AppError } from '@shared/errors';
import { Jobs } from './jobs';
import type { Job } from './jobs';

/** A clock and jobs whose pieces take time on it. */
function bench(training: () => boolean) {
  let time = 0;
  const done: string[] = [];
  const jobs = new Jobs(training, () => time);
  const job = (name: string, pieces: number, seconds: number): Job => ({
    advance() {
      time += seconds;
      done.push(name);
      pieces -= 1;
      return pieces === 0;
    },
    fail: (error) => done.push(`${name}: ${error.message}`),
  });
  return { jobs, job, done, time: () => time };
}

describe('jobs beside training', () => {
  it.each([0.01, 0.3, 2.5])('leave training at least half the time, pieces of %f s', (piece) => {
    const { jobs, job, time } = bench(() => true);
    jobs.add(job('grid', 10_000, piece));
    const STEP = 1;
    let worst = 0;
    for (let steps = 1; steps <= 100; steps++) {
      jobs.spend(STEP);
      if (steps > 10) worst = Math.max(worst, time() / steps);
    }
    expect(worst).toBeGreaterThan(0.5);
    expect(time()).toBeLessThanOrEqual(100 * STEP + piece);
  });

  it('keep their order, a preview goes first, and what is given up makes no further piece', () => {
    const { jobs, job, done } = bench(() => true);
    const giveUp = jobs.add(job('a', 3, 0.1));
    jobs.add(job('b', 1, 0.1));
    jobs.spend(0.05);
    jobs.add(job('preview', 1, 0.1), true);
    for (let i = 0; i < 4; i++) jobs.spend(0.05);
    giveUp();
    for (let i = 0; i < 10; i++) jobs.spend(0.1);
    expect(done.filter((name) => name !== 'a')).toEqual(['preview', 'b']);
    expect(done.filter((name) => name === 'a').length).toBeLessThan(3);
    expect(done.indexOf('preview')).toBe(1);
  });

  it('move by themselves where nothing trains; one that throws says so and the next goes on', async () => {
    const { jobs, job, done } = bench(() => false);
    jobs.add({
      advance: () => {
        throw new AppError('bad_config', 'no such prototype');
      },
      fail: ({ message }) => done.push(message),
    });
    jobs.add(job('b', 2, 1));
    expect(done).toEqual([]);
    for (let i = 0; i < 10; i++) await new Promise((turn) => setImmediate(turn));
    expect(done).toEqual(['no such prototype', 'b', 'b']);
  });

  it('are finished at once when the run ends', () => {
    const { jobs, job, done } = bench(() => true);
    jobs.add(job('grid', 5, 1));
    const preview = job('preview', 2, 1);
    jobs.add(preview);
    jobs.finish(preview);
    jobs.finish(preview);
    expect(done).toEqual(['preview', 'preview']);
  });
});
