import { existsSync } from 'node:fs';
import { openStore } from '../store';
import { EXIT, UsageError } from './call';
import type { Call } from './call';
import { table } from './help';
import { workspaceOf } from './open-engine';

export async function runs(call: Call): Promise<number> {
  if (call.operands[0] !== 'ls') throw new UsageError('runs knows only: protodiff runs ls');
  const { stdout } = call.context;
  const workspace = workspaceOf(call);
  const list = existsSync(workspace) ? read(workspace) : [];
  list.sort((a, b) => b.created - a.created);
  if (call.flag('json')) stdout.write(`${JSON.stringify({ workspace, runs: list })}\n`);
  else if (list.length === 0) stdout.write(`There are no runs in ${workspace} yet.\n`);
  else {
    const rows = list.map(({ run, state, step, steps, preset, data, problem }) => [
      ...[run, state, `${step}/${steps}`, preset, data, problem ?? ''],
    ]);
    stdout.write(
      `${table([['run', 'state', 'step', 'preset', 'data', ''], ...rows]).join('\n')}\n`,
    );
  }
  return EXIT.ok;
}

/** Without an engine: it may be training there now. */
function read(workspace: string) {
  const store = openStore(workspace, { readonly: true });
  try {
    return store.list();
  } finally {
    store.close();
  }
}
