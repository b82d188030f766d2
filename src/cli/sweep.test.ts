import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createEngine } from '../engine/engine';
import { openStore } from '../store';
import { run } from './run';
import { fakeContext } from './testing';

// The step is not what is tested: capturing it takes longer than these runs.
process.env.PROTODIFF_EAGER = '1';
const env = { PROTODIFF_RESOURCES: resolve(import.meta.dirname, '../../resources') };
const TINY = ['--preset', 'tiny', '--set', 'training.probe_every=100', '--set', 'sampling.steps=2'];

let workspace: string;
beforeEach(() => (workspace = mkdtempSync(join(tmpdir(), 'protodiff-sweep-'))));
afterEach(() => rmSync(workspace, { recursive: true, force: true }));

async function command(...args: string[]) {
  const { context, stdout, stderr, interrupt } = fakeContext({ env, createEngine });
  const done = run([...args, '--workspace', workspace], context);
  return {
    interrupt,
    stderr,
    end: async () => ({ code: await done, out: stdout.text, errors: stderr.text }),
  };
}
const lines = (text: string) =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

it('trains every combination, says one line of JSON a run, and ranks them in the last', async () => {
  const sweep = ['--sweep', 'lr=1e-3,1e-5', '--sweep', 'model.variant=ddpm,spdm', '--skip-invalid'];
  const steps = ['--steps', '4', '--set', 'training.validate_every=2'];
  const { end } = await command('train', ...TINY, ...steps, ...sweep, '--json');
  const { code, out, errors } = await end();
  expect(code).toBe(0);
  // s-PDM needs K = 10 for the digits, and the preset has 4.
  expect(errors).toContain('Left out: lr 0.001, model.variant spdm');
  const [first, second, last] = lines(out);
  expect(first).toMatchObject({
    ...{ job: 1, state: 'done', steps: 4, differs: { lr: 1e-3, 'model.variant': 'ddpm' } },
    ...{ val_loss: expect.any(Number), weights_sha256: expect.any(String) },
  });
  const ranking = [first, second].sort((a, b) => Number(a?.val_loss) - Number(b?.val_loss));
  expect(last).toMatchObject({
    ...{ sweep: first?.sweep, done: 2, failed: 0, waiting: 0, best: ranking[0]?.run },
    runs: ranking.map((each) => ({ run: each?.run, val_loss: each?.val_loss })),
  });
  const store = openStore(workspace, { readonly: true });
  expect(store.list().map(({ tags }) => tags)).toEqual([[first?.sweep], [first?.sweep]]);
});

it('refuses before anything starts what is misspelt, too much or impossible', async () => {
  const refusals: [string[], number, string][] = [
    [['--sweep', 'lrr=1,2'], 2, 'Did you mean lr?'],
    [['--sweep', 'lr'], 2, 'NAME=VALUE'],
    [['--sweep', 'seed=1..256', '--sweep', 'k=4,5'], 1, 'makes 512 runs'],
    [['--sweep', 'lr=1e-3,5'], 1, '1 of 2 runs cannot be trained. lr 5: lr: Choose 0.01 or less'],
    [['--sweep', 'model.variant=pdm,spdm'], 1, 'model.variant spdm: s-PDM needs K = 10'],
  ];
  for (const [sweep, expected, words] of refusals) {
    const { end } = await command('train', ...TINY, ...sweep);
    const { code, errors } = await end();
    expect([code, errors]).toEqual([expected, expect.stringContaining(words)]);
  }
  expect(openStore(workspace, { readonly: true }).queue.list()).toEqual([]);
});

it('interrupted it leaves the rest in the queue, which queue run ends', async () => {
  const sweep = ['--sweep', 'seed=1..3', '--set', 'model.variant=ddpm'];
  const begun = await command('train', ...TINY, '--steps', '10', ...sweep, '--json');
  await vi.waitFor(() => expect(begun.stderr.text).toContain('Job 1: seed=1'), 60_000);
  begun.interrupt();
  const { code, out, errors } = await begun.end();
  expect(code).toBe(130);
  expect(lines(out).at(-1)).toMatchObject({ done: 0, waiting: 3 });
  expect(errors).toContain('Go on with: protodiff queue run');
  const { queue } = openStore(workspace);
  expect(queue.list().map(({ state }) => state)).toEqual(['interrupted', 'queued', 'queued']);
  expect(await (await command('queue', 'remove', '3')).end()).toMatchObject({ code: 0 });
  const listed = lines((await (await command('queue', 'list', '--json')).end()).out)[0];
  expect(listed).toMatchObject({ jobs: [{ job: 1 }, { job: 2 }, { job: 3, state: 'cancelled' }] });
  const ran = await (await command('queue', 'run', '--json')).end();
  expect(ran.code).toBe(0);
  expect(lines(ran.out).map(({ job, state, steps }) => [job, state, steps])).toEqual([
    [1, 'done', 10],
    [2, 'done', 10],
  ]);
  expect(openStore(workspace, { readonly: true }).list()).toHaveLength(2);
});
