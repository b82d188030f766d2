import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openStore } from '../store';
import { metricRows, ORIGIN } from '../store/testing/workspace';
import { run } from './run';
import { fakeContext } from './testing';

let workspace: string;
let id: string;
beforeEach(() => {
  workspace = mkdtempSync(join(tmpdir(), 'protodiff-runs-'));
  const store = openStore(workspace);
  const writer = store.create(ORIGIN);
  writer.appendMetrics(metricRows(1, 5));
  writer.end('finished');
  id = writer.run;
  store.close();
});
afterEach(() => rmSync(workspace, { recursive: true, force: true }));

async function said(...args: string[]): Promise<Record<string, unknown>> {
  const { context, stdout, stderr } = fakeContext();
  const code = await run([...args, '--workspace', workspace, '--json'], context);
  if (code !== 0) throw new Error(stderr.text);
  return JSON.parse(stdout.text) as Record<string, unknown>;
}
const listed = async (...args: string[]): Promise<Record<string, unknown>[]> =>
  (await said('runs', 'ls', ...args)).runs as Record<string, unknown>[];

it('renames, tags, stars and finds runs', async () => {
  expect(await said('runs', 'rename', 'last', 'My best')).toEqual({ run: id, name: 'My best' });
  expect(await said('runs', 'tag', 'My best', 'paper', 'v2')).toMatchObject({
    tags: ['paper', 'v2'],
  });
  expect(await said('runs', 'untag', id, 'v2')).toMatchObject({ tags: ['paper'] });
  await said('runs', 'star', id.slice(16));
  expect(await listed('--search', 'PAPER starred best')).toMatchObject([
    { run: id, name: 'My best', tags: ['paper'], starred: true },
  ]);
  expect(await listed('--search', 'other')).toEqual([]);
  await said('runs', 'unstar', 'last');
  expect(await listed('--search', 'starred')).toEqual([]);
});

it('deletes with a way back, copies, exports and imports', async () => {
  const { run: copy } = await said('runs', 'cp', 'last');
  expect((await listed()).map((each) => each.run).sort()).toEqual([id, copy].sort());
  const file = join(workspace, 'one.tar');
  expect(await said('runs', 'export', id, '--out', file)).toMatchObject({ run: id, file });
  expect(await said('runs', 'rm', id)).toEqual({ run: id, trashed: id });
  expect(await said('runs', 'trash')).toMatchObject({ trashed: [{ trashed: id }] });
  expect(await said('runs', 'import', file)).toEqual({ run: id });
  await expect(said('runs', 'restore', id)).rejects.toThrow(/already/);
  await said('runs', 'rm', id);
  expect(await said('runs', 'restore', `${id}-2`)).toEqual({ run: `${id}-2` });
  const { bytes } = await said('runs', 'empty-trash');
  expect(bytes).toBeGreaterThan(1000);
  expect(await said('runs', 'trash')).toEqual({ trashed: [] });
  expect(await said('runs', 'empty-trash')).toEqual({ runs: 0, bytes: 0 });
  await expect(said('runs', 'import', join(workspace, 'none.tar'))).rejects.toThrow(/no file/);
});
