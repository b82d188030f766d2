import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { examine } from '../bench/lib/crash-check.ts';
import { openStore } from '../src/store/index.ts';
import { metricRows, ORIGIN, tensorsOf } from '../src/store/testing/workspace.ts';

it('test:crash kills an engine three times and finds all it was promised', () => {
  const { stdout, status } = spawnSync(
    process.execPath,
    [resolve('bench/index.mjs'), 'crash', '--kills', '3', '--seed', '1', '--steps', '24'],
    { encoding: 'utf8' },
  );
  expect(stdout.trim().split('\n').at(-1)).toMatch(
    /^PASS: 3 kills \(seed 1\), \d+ acknowledged steps, 0 lost, 0 corrupt, 0 gaps, 0 other/,
  );
  expect(status).toBe(0);
}, 180_000);

it('what test:crash looks for is found', () => {
  const root = mkdtempSync(join(tmpdir(), 'protodiff-check-'));
  const store = openStore(root);
  const writer = store.create(ORIGIN);
  const { run } = writer;
  writer.appendMetrics(metricRows(1, 4));
  const { file } = writer.writeCheckpoint(4, tensorsOf(4), {}, 2);
  const promised = { run, losses: new Map([[4, 1 / 4]]), checkpoint: 4, knob: 0 };
  const problems = (change) => {
    const { lost, corrupt, gaps } = examine(root, { ...promised, ...change });
    return { lost, corrupt, gaps };
  };
  expect(problems({})).toEqual({ lost: 0, corrupt: 0, gaps: 0 });
  expect(problems({ losses: new Map([[5, 1 / 5]]) })).toEqual({ lost: 1, corrupt: 0, gaps: 0 });
  expect(problems({ losses: new Map([[3, 0.5]]) })).toEqual({ lost: 1, corrupt: 0, gaps: 0 });
  expect(problems({ checkpoint: 5, knob: 1e9 })).toEqual({ lost: 2, corrupt: 0, gaps: 0 });
  writer.appendMetrics(metricRows(7, 8));
  expect(problems({})).toEqual({ lost: 0, corrupt: 0, gaps: 2 });
  truncateSync(join(root, 'runs', run, file), 100);
  expect(problems({})).toMatchObject({ corrupt: 1 });
  truncateSync(join(root, 'runs', run, 'run.json'), 10);
  expect(problems({}).corrupt).toBeGreaterThan(0);
  store.close();
  rmSync(root, { recursive: true, force: true });
});
