import type { QueueJob } from '@shared/protocol/contract-queue';
import { configFor } from '@shared/config/presets';
import { notebookFor, findCell, runConfigOf } from '@shared/config/notebook';
import { beforeEach, expect, it } from 'vitest';
import { QueuedRuns } from './queued-runs';

const config = configFor('quick', { kind: 'digits' });
let notebook = notebookFor(config, '');
let shown: string | null = null;
let told: { run: string; own: boolean; seen: boolean }[] = [];
let follows: QueuedRuns;
let workspace: string[] = [];

function job(part: Partial<QueueJob>): QueueJob {
  return {
    ...{ job: 1, state: 'queued', run: null, problem: null, preset: 'quick', data: 'digits' },
    ...{ steps: 800, seconds: null, sweep: null, differs: [], elsewhere: false, added: 0 },
    asked: { by: 'notebook', notebook: 'One', cell: 'train' },
    ...part,
  };
}

function change(part: { seed?: number; run?: string }): void {
  const cells = notebook.cells.map((cell) => (cell.kind === 'train' ? { ...cell, ...part } : cell));
  notebook = { ...notebook, cells };
}

beforeEach(() => {
  notebook = notebookFor(config, '');
  shown = null;
  told = [];
  workspace = ['a', 'b'];
  follows = new QueuedRuns({
    notebook: { name: 'One' },
    cell: (id) => findCell(notebook, 'train', id),
    draft: (id) => runConfigOf(notebook, id),
    shownAt: () => shown,
    has: (run) => workspace.includes(run),
    jobBegan: (_cell, run, own, seen) => {
      told.push({ run, own, seen });
      if (own) change({ run });
      if (seen) shown = run;
    },
  });
});

it('gives a train cell the run of its job once that begins, and tells it once', () => {
  follows.added('train', [1]);
  follows.look([job({})]);
  follows.look([job({ state: 'running' })]); // its folder is still being made
  expect(told).toEqual([]);
  for (const state of ['running', 'running', 'done'] as const)
    follows.look([job({ state, run: 'a' })]);
  expect(told).toEqual([{ run: 'a', own: true, seen: true }]);
});

it('takes one up that trains when the window opens, and one that ended before it was seen', () => {
  follows.look([job({ state: 'running', run: 'a' }), job({ job: 2 })]);
  follows.look([job({ job: 2, state: 'done', run: 'b' }), job({ state: 'done', run: 'a' })]);
  expect(told.map(({ run }) => run)).toEqual(['a', 'b']);
});

it('takes up the last run that began and ended while no window was open, once its run is known', () => {
  const jobs = [job({ job: 2, state: 'failed', run: 'b' }), job({ state: 'done', run: 'a' })];
  workspace = [];
  follows.look(jobs);
  expect(told).toEqual([]);
  workspace = ['a', 'b'];
  follows.look(jobs);
  follows.look(jobs);
  expect(told.map(({ run }) => run)).toEqual(['a', 'b']);
  expect(findCell(notebook, 'train', 'train')?.run).toBe('b');
});

it('leaves alone what ended before the run of the cell began, was deleted, or is of a sweep', () => {
  change({ run: 'b' });
  workspace = ['a', 'b', 'd'];
  follows.look([
    job({ state: 'done', run: 'a' }),
    job({ job: 2, state: 'done', run: 'c' }),
    job({ job: 3, state: 'done', run: 'd', sweep: 'sweep-1' }),
  ]);
  expect(told).toEqual([]);
});

it('leaves alone jobs of other notebooks, cells and the command line', () => {
  follows.look([
    job({ state: 'running', run: 'b', asked: { by: 'notebook', notebook: 'Two', cell: 'train' } }),
    job({ state: 'running', run: 'c', asked: { by: 'notebook', notebook: 'One', cell: 'gone' } }),
    job({ state: 'running', run: 'd', asked: { by: 'command line' } }),
  ]);
  expect(told).toEqual([]);
});

it('leaves a person at the settings of the next training, or at another run', () => {
  follows.added('train', [1]);
  change({ seed: 5 });
  follows.look([job({ state: 'running', run: 'a' })]);
  expect(told.at(-1)).toEqual({ run: 'a', own: true, seen: false });
  shown = 'guest';
  follows.look([job({ job: 2, state: 'running', run: 'b' })]);
  expect(told.at(-1)).toEqual({ run: 'b', own: true, seen: false });
});

it('shows the runs of a sweep one after another, as guests', () => {
  change({ run: 'own' });
  shown = 'own';
  follows.added('train', [1, 2]);
  const runs = ['a', 'b'];
  runs.forEach((run, i) =>
    follows.look([job({ job: i + 1, state: 'running', run, sweep: 'sweep-1' })]),
  );
  expect(told).toEqual(runs.map((run) => ({ run, own: false, seen: true })));
});
