import type { RunConfig } from '@shared/config/run-config';
import { settingWords } from '@shared/config/settings';
import type { Setting } from '@shared/config/settings';
import { expandSweep, parseAxis } from '@shared/config/sweep';
import type { Axis, SweepRun } from '@shared/config/sweep';
import { AppError } from '@shared/errors';
import type { Engine } from '../engine/engine';
import { EXIT, UsageError } from './call';
import type { Call } from './call';
import { configFrom, needSetting } from './config-from';
import { jobLine, ranked, resultTable, runJobs } from './jobs';
import type { JobResult } from './jobs';
import { workspaceOf } from './open-engine';
import { interruptible, tell } from './train';

const never = new AbortController().signal;

/** `train --sweep`: every combination through the queue, best last losses first in the end. */
export async function sweep(call: Call): Promise<number> {
  const { stdout } = call.context;
  // Before the engine loads, which takes seconds.
  const asked = combinations(call);
  return interruptible(call, async (engine, interrupt) => {
    const runs = await possible(call, engine, asked);
    const added = await engine.request(
      'queue.add',
      { jobs: runs, asked: { by: 'command line' }, sweep: true, then: 'reserve' },
      never,
    );
    const name = added.sweep ?? '';
    tell(call).write(`${name}: ${runs.length} runs.\n`);
    const results: JobResult[] = [];
    await runJobs(call, engine, { sweep: name, jobs: added.jobs, interrupt }, (result) => {
      results.push(result);
      if (call.flag('json')) stdout.write(`${JSON.stringify(jobLine(result))}\n`);
    });
    const waiting = runs.length - results.length;
    if (call.flag('json')) stdout.write(`${JSON.stringify(summary(name, results, waiting))}\n`);
    else if (results.length > 0) stdout.write(resultTable(results));
    if (waiting > 0) {
      const where = `--workspace ${workspaceOf(call)}`;
      tell(call).write(
        `${waiting} of ${runs.length} wait. Go on with: protodiff queue run ${where}\n`,
      );
    }
    if (interrupt.aborted) return EXIT.interrupted;
    return results.every(({ job }) => job.state === 'done') ? EXIT.ok : EXIT.failed;
  });
}

export interface Asked {
  runs: SweepRun[];
  impossible: { differs: Setting[]; problem: string }[];
}

/** What `--sweep` asks for; without any, the one configuration. */
export function combinations(call: Call): Asked {
  if (call.text('journal') !== undefined)
    throw new UsageError('A journal is replayed by one run: leave --sweep or --journal out.');
  const base = configFrom(call);
  const axes = call.texts('sweep').map((text) => axis(text, base));
  return expandSweep(base, axes);
}

function axis(text: string, base: RunConfig): Axis {
  try {
    const found = parseAxis(text);
    needSetting(JSON.parse(JSON.stringify(base)) as RunConfig, found.name, found.values[0]);
    return found;
  } catch (thrown) {
    if (!(thrown instanceof AppError)) throw thrown;
    throw new UsageError([thrown.message, thrown.remedy].filter(Boolean).join(' '));
  }
}

/** Those that can be trained on their data. @throws AppError bad_config unless the others are to be skipped */
export async function possible(call: Call, engine: Engine, asked: Asked): Promise<SweepRun[]> {
  const { runs, impossible } = asked;
  const wrong = [...impossible];
  let good: SweepRun[] = [];
  if (runs.length > 0) {
    const configs = runs.map(({ config }) => config);
    const { problems } = await engine.request('queue.check', { configs }, never);
    good = runs.filter((run, i) => {
      const problem = problems[i] ?? null;
      if (problem !== null) wrong.push({ differs: run.differs, problem });
      return problem === null;
    });
  }
  const words = wrong.map(({ differs, problem }) => `${settingWords(differs)}: ${problem}`);
  if (good.length === 0 || (wrong.length > 0 && !call.flag('skip-invalid'))) {
    const some = `${wrong.length} of ${wrong.length + good.length} runs cannot be trained`;
    throw new AppError('bad_config', `${some}. ${words.join('\n')}`, {
      remedy:
        good.length === 0
          ? 'Change the values.'
          : 'Change the values, or leave such runs out with --skip-invalid.',
    });
  }
  for (const word of words) tell(call).write(`Left out: ${word}\n`);
  return good;
}

function summary(
  sweep: string,
  results: readonly JobResult[],
  waiting: number,
): Record<string, unknown> {
  const rows = ranked(results);
  const count = (state: string): number => rows.filter(({ job }) => job.state === state).length;
  const best = rows[0]?.job.state === 'done' ? rows[0].job.run : null;
  return {
    ...{ sweep, done: count('done'), failed: count('failed'), cancelled: count('cancelled') },
    ...{ waiting, best },
    runs: rows.map((result) => {
      const { run, differs, state, val_loss, loss_last50 } = jobLine(result);
      return { run, differs, state, val_loss: val_loss ?? null, loss_last50: loss_last50 ?? null };
    }),
  };
}
