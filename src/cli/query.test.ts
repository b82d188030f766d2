import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parquetReadObjects } from 'hyparquet';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openStore } from '../store';
import { ORIGIN } from '../store/testing/workspace';
import { run } from './run';
import { fakeContext } from './testing';

let workspace: string;
let id: string;
beforeAll(() => {
  workspace = mkdtempSync(join(tmpdir(), 'protodiff-query-'));
  const store = openStore(workspace);
  const writer = store.create(ORIGIN);
  const row = (step: number, values: Record<string, number>) => ({
    ...{ step, wall: 1000 * step, active: step / 4, values },
  });
  writer.appendMetrics([
    row(1, { 'train/loss': 0.1 + 0.2, 'train/lr': 1e-7 }),
    row(2, { 'train/loss': Infinity }),
    row(3, { 'train/loss': 0.25, 'val/loss': 2 }),
    row(4, { 'train/loss': 1 / 3 }),
  ]);
  writer.end('finished');
  id = writer.run;
  store.close();
});
afterAll(() => rmSync(workspace, { recursive: true, force: true }));

async function said(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const { context, stdout, stderr } = fakeContext();
  const code = await run([...args, '--workspace', workspace], context);
  return { code, out: stdout.text, err: stderr.text };
}

it('prints metrics as CSV that reads back the same', async () => {
  const { out } = await said('query', 'last');
  expect(out).toBe(
    [
      'step,wall,active,train/loss,train/lr,val/loss',
      '1,1000,0.25,0.30000000000000004,1e-7,',
      '2,2000,0.5,Infinity,,',
      '3,3000,0.75,0.25,,2',
      '4,4000,1,0.3333333333333333,,',
      '',
    ].join('\n'),
  );
});

it('takes some of the metrics and steps, as JSON', async () => {
  const args = ['--metric', 'val/loss', '--metric', 'train/loss', '--from', '2', '--json'];
  expect(JSON.parse((await said('query', id, ...args)).out)).toEqual({
    ...{ run: id, step: [2, 3, 4], wall: [2000, 3000, 4000], active: [0.5, 0.75, 1] },
    values: { 'val/loss': [null, 2, null], 'train/loss': ['Infinity', 0.25, 1 / 3] },
  });
  const even = await said('query', id, '--every', '2', '--to', '3', '--metric', 'train/lr');
  expect(even.out).toBe('step,wall,active,train/lr\n2,2000,0.5,\n');
});

it('writes Parquet that another library reads', async () => {
  const file = join(workspace, 'metrics.parquet');
  const { out } = await said('query', id, '--format', 'parquet', '--out', file);
  expect(out).toContain('4 rows of 3 metrics');
  const bytes = readFileSync(file);
  const rows = await parquetReadObjects({
    file: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength),
  });
  expect(rows).toEqual([
    row(1n, 0.1 + 0.2, 1e-7, null),
    row(2n, Infinity, null, null),
    row(3n, 0.25, null, 2),
    row(4n, 1 / 3, null, null),
  ]);
  function row(step: bigint, loss: number, lr: number | null, val: number | null) {
    const n = Number(step);
    return {
      ...{ step, wall: 1000 * n, active: n / 4 },
      ...{ 'train/loss': loss, 'train/lr': lr, 'val/loss': val },
    };
  }
});

it('gets the record of a run, and lists', async () => {
  const record = JSON.parse((await said('get', 'last', '--json')).out) as Record<string, unknown>;
  expect(record).toMatchObject({ run: id, state: 'finished', parent: null, knobs: {} });
  expect(record.metrics).toEqual(['train/loss', 'train/lr', 'val/loss']);
  expect(JSON.parse((await said('list', '--json')).out)).toMatchObject({ runs: [{ run: id }] });
});

it('says what it cannot give', async () => {
  const wrong = await said('query', id, '--metric', 'train/los');
  expect([wrong.code, wrong.err]).toEqual([1, expect.stringContaining('Did you mean train/loss?')]);
  expect((await said('query', id, '--format', 'parquet')).code).toBe(2);
  expect((await said('query', id, '--format', 'xlsx')).err).toContain('csv, json, parquet');
});
