/**
 * The numbers of a run out of the runners' JSON reports. A runner that broke down counts as one
 * failed test, whatever its report says; so does a file that could not be collected.
 *
 * @typedef {{passed: number, failed: number, skipped: number}} Sum
 */

function broken(sum, code) {
  return code !== 0 && sum.failed === 0 ? { ...sum, failed: 1 } : sum;
}

/** @returns {Sum} */
export function ofVitest(report, code) {
  if (report === undefined) return { passed: 0, failed: 1, skipped: 0 };
  const files = report.testResults.filter(
    (file) =>
      file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  );
  return broken(
    {
      passed: report.numPassedTests,
      failed: report.numFailedTests + files.length,
      skipped: report.numPendingTests + report.numTodoTests,
    },
    code,
  );
}

/** @returns {Sum} a test that passed only when repeated counts as failed */
export function ofPlaywright(report, code) {
  if (report === undefined) return { passed: 0, failed: 1, skipped: 0 };
  const { expected, unexpected, flaky, skipped } = report.stats;
  return broken({ passed: expected, failed: unexpected + flaky, skipped }, code);
}

/** @param {Sum[]} sums @returns {Sum} */
export function addUp(sums) {
  const total = { passed: 0, failed: 0, skipped: 0 };
  for (const sum of sums) for (const key of Object.keys(total)) total[key] += sum[key];
  return total;
}

export function sumLine({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}
