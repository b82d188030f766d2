import { AppError } from '@shared/errors';
import { openStore } from '../store';
import { isExact } from '../store/port';
import type { RunStore } from '../store/port';
import { EXIT } from './call';
import type { Call } from './call';
import { table } from './help';
import { findRun, workspaceOf } from './open-engine';

/** The checkpoints that are there, hashed anew, and what each resume began from. */
export async function certificate(call: Call): Promise<number> {
  const store = openStore(workspaceOf(call), { readonly: true });
  try {
    const { run } = findRun(store.list(), call.operands[0] ?? '');
    const record = store.read(run);
    const resumes = record.resumes.map((each) => ({ ...each, exact: isExact(each) }));
    const checkpoints = record.checkpoints.map(({ step, file, sha256 }) => ({
      ...{ step, file, sha256 },
      problem: problemOf(store, run, step),
    }));
    const exact = [...resumes.map((each) => each.exact), ...checkpoints.map((c) => !c.problem)];
    const good = exact.every(Boolean);
    const { stdout } = call.context;
    if (call.flag('json')) {
      stdout.write(`${JSON.stringify({ run, exact: good, checkpoints, resumes })}\n`);
      return good ? EXIT.ok : EXIT.failed;
    }
    const lines = [
      ...(checkpoints.length === 0
        ? [`${run} has no checkpoints.`]
        : table([
            ['checkpoint', 'SHA-256', 'file'],
            ...checkpoints.map((c) => [`step ${c.step}`, c.sha256, c.problem ?? 'whole']),
          ])),
      '',
      ...(resumes.length === 0
        ? ['It was never taken up again.']
        : table([
            ['resume', 'state, as the device had it', 'next batch', ''],
            ...resumes.map((each) => [
              ...[`step ${each.step}`, each.began, each.began_next.slice(0, 16)],
              each.exact ? 'exact' : `not exact: the checkpoint has ${each.saved}`,
            ]),
          ])),
    ];
    stdout.write(`${lines.join('\n')}\n`);
    return good ? EXIT.ok : EXIT.failed;
  } finally {
    store.close();
  }
}

function problemOf(store: RunStore, run: string, step: number): string | null {
  try {
    store.loadCheckpoint(run, step);
    return null;
  } catch (error) {
    if (error instanceof AppError) return error.message;
    throw error;
  }
}
