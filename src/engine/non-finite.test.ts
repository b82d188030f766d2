import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { configFor } from '@shared/config/presets';
import type { RequestInput, RequestName, RequestOutput } from '@shared/protocol/contract';
import { openStore } from '../store';
import { createEngine } from './engine';

const workspace = mkdtempSync(join(tmpdir(), 'protodiff-non-finite-'));
afterAll(() => rmSync(workspace, { recursive: true, force: true }));

it('stops at a loss that is not finite, names the tensor, and goes back with half the rate', async () => {
  const resources = resolve(import.meta.dirname, '../../resources');
  const engine = await createEngine({ workspace, resources, importerEntry: '', appVersion: '0' });
  const ask = <N extends RequestName>(name: N, input: RequestInput<N>): Promise<RequestOutput<N>> =>
    engine.request(name, input, new AbortController().signal);
  const config = configFor('tiny', { kind: 'digits' });
  config.training = { ...config.training, steps: 5000, checkpoint_every: 10 };
  const { run } = await ask('run.start', { config });
  const record = (): Promise<RequestOutput<'run.get'>> => ask('run.get', { run });
  const until = async (met: (now: RequestOutput<'run.get'>) => boolean) => {
    let now = await record();
    for (; !met(now); now = await record()) await new Promise((done) => setTimeout(done, 5));
    return now;
  };
  await until(({ summary }) => summary.step >= 13);
  // The window allows no such rate; a bug in a step would do as much.
  const { entries } = await ask('knobs.set', { run, change: { lr: 1e30 } });
  const changed = entries[0]?.applied_at_step ?? 0;
  const { summary, checkpoints } = await until(({ summary }) => summary.state === 'failed');
  const told =
    /^Step (\d+) is not finite: .*became (NaN|-?Infinity)\. The first bad tensor is (\S.*)\.$/;
  const [, at = '', , tensor = ''] = told.exec(summary.problem ?? '') ?? [];
  expect(tensor).toMatch(/^(unet\.|encoder|f_phi|prototype|the (gradient|weight) )/);
  // Nothing of that step was recorded, and the weights before the change are kept.
  expect(Number(at)).toBeGreaterThan(changed);
  expect(summary.step).toBe(Number(at) - 1);
  expect(checkpoints.at(-1)?.step).toBe(changed);

  const back = await ask('run.rollback', { run });
  expect(back).toEqual({ run, from_step: changed, lr: config.knobs.lr / 2 });
  const later = await until(({ summary }) => summary.step >= changed + 8);
  expect(later.summary.state).toBe('running');
  expect(later.knobs.lr).toBe(config.knobs.lr / 2);
  await ask('run.stop', { run });
  await engine.close();
  const store = openStore(workspace, { readonly: true });
  const { step } = store.metrics(run, 0, 10_000);
  expect([...step]).toEqual([...step].map((_, row) => row + 1));
  store.close();
}, 60_000);
