import { describe, expect, it } from 'vitest';
import { addUp, ofPlaywright, ofVitest, sumLine } from './sums.mjs';

const vitest = (more = {}) => ({
  numPassedTests: 5,
  numFailedTests: 0,
  numPendingTests: 1,
  numTodoTests: 0,
  testResults: [{ status: 'passed', assertionResults: [{ status: 'passed' }] }],
  ...more,
});
const playwright = (more = {}) => ({
  stats: { expected: 4, unexpected: 0, flaky: 0, skipped: 0, ...more },
});

describe('sums of the runners', () => {
  it('reads a clean report', () => {
    expect(ofVitest(vitest(), 0)).toEqual({ passed: 5, failed: 0, skipped: 1 });
    expect(ofPlaywright(playwright(), 0)).toEqual({ passed: 4, failed: 0, skipped: 0 });
  });

  it('counts a runner without a report as failed', () => {
    expect(ofVitest(undefined, 0).failed).toBe(1);
    expect(ofPlaywright(undefined, 0).failed).toBe(1);
  });

  it('counts a runner that ended badly with nothing failed as failed', () => {
    expect(ofVitest(vitest(), 1).failed).toBe(1);
    expect(ofPlaywright(playwright(), 1).failed).toBe(1);
    expect(ofPlaywright(playwright({ unexpected: 3 }), 1).failed).toBe(3);
  });

  it('counts a file that could not be collected as failed', () => {
    const testResults = [{ status: 'failed', assertionResults: [] }];
    expect(ofVitest(vitest({ testResults }), 1).failed).toBe(1);
  });

  it('does not count a failed test twice for its file', () => {
    const testResults = [{ status: 'failed', assertionResults: [{ status: 'failed' }] }];
    expect(ofVitest(vitest({ numFailedTests: 1, testResults }), 1).failed).toBe(1);
  });

  it('counts a test that passed on a second try as failed', () => {
    expect(ofPlaywright(playwright({ flaky: 1 }), 0).failed).toBe(1);
  });

  it('adds up and says so in one line', () => {
    const total = addUp([
      ofVitest(vitest({ numPendingTests: 0 }), 0),
      ofPlaywright(playwright(), 0),
    ]);
    expect(sumLine(total)).toBe('9 passed, 0 failed');
    expect(sumLine({ ...total, skipped: 2 })).toBe('9 passed, 0 failed, 2 skipped');
  });
});
