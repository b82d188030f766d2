import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { foundBy } from '@shared/run-search';
import { openStore } from '../store';
import { exportRun, importRun } from '../store/bundle';
import type { RunStore } from '../store/port';
import { EXIT, UsageError } from './call';
import type { Call } from './call';
import { nearest, table } from './help';
import { findRun, workspaceOf } from './open-engine';

/** What an act did: in words for a person, as an object for machines. */
interface Done {
  words: string;
  [fact: string]: unknown;
}
interface Act {
  /** Operands after the act, as the usage line shows them. */
  takes: string;
  count: [min: number, max: number];
  run: (store: RunStore, operands: string[], call: Call) => Done | Promise<Done>;
}

/** Without an engine: it may be training there now. */
const ACTS: Record<string, Act> = {
  rename: {
    takes: 'RUN NAME',
    count: [2, 2],
    run: (store, [of = '', name = '']) => {
      const { run } = findRun(store.list(), of);
      store.shelf.label(run, { name });
      const now = findRun(store.list(), run).name;
      return { words: `${run} is called ${now}.`, run, name: now };
    },
  },
  tag: {
    takes: 'RUN TAG…',
    count: [2, 50],
    run: (store, [of = '', ...more]) => retag(store, of, (tags) => [...tags, ...more]),
  },
  untag: {
    takes: 'RUN TAG…',
    count: [2, 50],
    run: (store, [of = '', ...less]) =>
      retag(store, of, (tags) => tags.filter((tag) => !less.includes(tag))),
  },
  star: { takes: 'RUN', count: [1, 1], run: (store, [of = '']) => star(store, of, true) },
  unstar: { takes: 'RUN', count: [1, 1], run: (store, [of = '']) => star(store, of, false) },
  keep: {
    takes: 'RUN STEP…',
    count: [2, 50],
    run: (store, [of = '', ...steps]) => rekeep(store, of, steps, true),
  },
  unkeep: {
    takes: 'RUN STEP…',
    count: [2, 50],
    run: (store, [of = '', ...steps]) => rekeep(store, of, steps, false),
  },
  rm: {
    takes: 'RUN',
    count: [1, 1],
    run: (store, [of = '']) => {
      const { run, name } = findRun(store.list(), of);
      const trashed = store.shelf.remove(run);
      return {
        words: `${name} is in the trash. Take it back with: protodiff runs restore ${trashed}`,
        ...{ run, trashed },
      };
    },
  },
  restore: {
    takes: 'RUN',
    count: [1, 1],
    run: (store, [of = '']) => {
      const trashed = store.shelf.trash();
      const found = trashed.find((each) => each.trashed === of || each.name === of);
      const run = store.shelf.restore(found?.trashed ?? of);
      return { words: `${run} is back.`, run };
    },
  },
  trash: {
    takes: '',
    count: [0, 0],
    run: (store) => {
      const trashed = store.shelf.trash();
      const rows = trashed.map((each) => [each.trashed, each.name]);
      const words = rows.length === 0 ? 'The trash is empty.' : table(rows).join('\n');
      return { words, trashed };
    },
  },
  'empty-trash': {
    takes: '',
    count: [0, 0],
    run: (store) => {
      const { runs, bytes } = store.shelf.emptyTrash();
      const many = runs === 1 ? '1 run was' : `${runs} runs were`;
      return { words: `${many} deleted for good, ${(bytes / 1e6).toFixed(1)} MB.`, runs, bytes };
    },
  },
  cp: {
    takes: 'RUN',
    count: [1, 1],
    run: (store, [of = '']) => {
      const run = store.shelf.copy(findRun(store.list(), of).run);
      return { words: `The copy is ${run}.`, run };
    },
  },
  export: {
    takes: 'RUN',
    count: [1, 1],
    run: async (store, [of = ''], call) => {
      const { run } = findRun(store.list(), of);
      const out = call.text('out');
      const { file, bytes } = await exportRun(store.root, run, out && resolve(out));
      return { words: `${run}: ${file}, ${(bytes / 1e6).toFixed(1)} MB`, run, file, bytes };
    },
  },
  import: {
    takes: 'FILE',
    count: [1, 1],
    run: async (store, [file = '']) => {
      const { run } = await importRun(store.root, resolve(file));
      return { words: `${run} was imported.`, run };
    },
  },
};

export async function runs(call: Call): Promise<number> {
  const [name = 'ls', ...operands] = call.operands;
  if (name === 'ls') return list(call);
  const act = Object.hasOwn(ACTS, name) ? ACTS[name] : undefined;
  if (act === undefined) {
    const meant = nearest(name, ['ls', ...Object.keys(ACTS)]);
    throw new UsageError(
      `runs has no act "${name}".${meant === undefined ? '' : ` Did you mean ${meant}?`} It has ls, ${Object.keys(ACTS).join(', ')}.`,
    );
  }
  const [min, max] = act.count;
  if (operands.length < min || operands.length > max)
    throw new UsageError(`Usage: protodiff runs ${name} ${act.takes}`.trimEnd());
  const store = openStore(workspaceOf(call));
  try {
    const { words, ...facts } = await act.run(store, operands, call);
    call.context.stdout.write(`${call.flag('json') ? JSON.stringify(facts) : words}\n`);
    return EXIT.ok;
  } finally {
    store.close();
  }
}

/** `runs ls`, and `list`. */
export async function list(call: Call): Promise<number> {
  const { stdout } = call.context;
  const workspace = workspaceOf(call);
  const found = (existsSync(workspace) ? read(workspace) : []).filter((run) =>
    foundBy(run, call.text('search') ?? ''),
  );
  if (call.flag('json')) stdout.write(`${JSON.stringify({ workspace, runs: found })}\n`);
  else if (found.length === 0) {
    const none = call.text('search') === undefined ? 'There are no runs' : 'No run is found';
    stdout.write(`${none} in ${workspace}${none === 'No run is found' ? '' : ' yet'}.\n`);
  } else {
    const rows = found.map(({ run, name, state, step, steps, preset, data, ...more }) => [
      ...[`${more.starred ? '* ' : ''}${run}`, run.endsWith(`-${name}`) ? '' : name, state],
      ...[`${step}/${steps}`, preset, data, more.tags.join(' '), more.problem ?? ''],
    ]);
    const head = ['run', 'name', 'state', 'step', 'preset', 'data', 'tags', ''];
    stdout.write(`${table([head, ...rows]).join('\n')}\n`);
  }
  return EXIT.ok;
}

function read(workspace: string) {
  const store = openStore(workspace, { readonly: true });
  try {
    return store.list();
  } finally {
    store.close();
  }
}

function retag(store: RunStore, of: string, change: (tags: string[]) => string[]): Done {
  const { run, tags } = findRun(store.list(), of);
  const now = store.shelf.label(run, { tags: change(tags) }).tags;
  return { words: `${run}: ${now.length === 0 ? 'no tags' : now.join(', ')}`, run, tags: now };
}

/** Checkpoints that stay however old they get. */
function rekeep(store: RunStore, of: string, operands: string[], keep: boolean): Done {
  const { run } = findRun(store.list(), of);
  const strange = operands.find((step) => !/^\d+$/.test(step));
  if (strange !== undefined) throw new UsageError(`"${strange}" is no step.`);
  const now = store.shelf.keep(run, operands.map(Number), keep);
  return {
    words: `${run} keeps ${now.length === 0 ? 'none for good' : now.join(', ')}.`,
    run,
    kept: now,
  };
}

function star(store: RunStore, of: string, starred: boolean): Done {
  const { run } = findRun(store.list(), of);
  store.shelf.label(run, { starred });
  return { words: `${run} has ${starred ? 'a' : 'no'} star.`, run, starred };
}
